"""What the inversions of an image by every class say: the decision, and how near reconstructions of
its own class and of the others come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustgen.stats.intervals import Interval, mean, over_seeds, share
from robustgen.stats.per_image import IMAGE

AXES = ["lambda_", "plus", "steps"]


def per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per seed and image of one setting of the search: `wrong`, whether arg min of the
    objective is another class, and `wrong_by_distance`, the same without the regulariser; `pixels`
    and `inside`, both terms of the distance in the own class; `outside`, the mean perceptual
    distance in the others.

    A class whose objective equals that of the own one counts as nearer.
    """
    told = rows.assign(distance=rows["total"] - rows["lambda_"] * rows["strength"])
    is_own = told["class"] == told["label"]
    mine, others = told[is_own].set_index(IMAGE), told[~is_own].groupby(IMAGE)
    least = others[["total", "distance"]].min().reindex(mine.index)
    return pd.DataFrame(
        {
            "wrong": least["total"] <= mine["total"],
            "wrong_by_distance": least["distance"] <= mine["distance"],
            "pixels": mine["pixels"],
            "inside": mine["perceptual"],
            "outside": others["perceptual"].mean().reindex(mine.index),
        }
    )


def error(images: pd.DataFrame, column: str = "wrong") -> Interval:
    """The share of images that are wrong, over images or seeds."""
    return _over(images[column].astype(float), shares=True)


def average(images: pd.DataFrame, column: str) -> Interval:
    """The mean of a column, over images or seeds."""
    return _over(images[column], shares=False)


def _over(values: pd.Series, *, shares: bool) -> Interval:
    parts = [part.to_numpy(np.float64) for _, part in values.groupby(level="seed")]
    found = [share(float(part.sum()), len(part)) if shares else mean(part) for part in parts]
    return over_seeds(found)[0]


def ranks(values: Sequence[float]) -> np.ndarray:
    """The ranks of values, ties at their mean."""
    found: np.ndarray = pd.Series(values).rank().to_numpy()
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's correlation of two lists; NaN where one of them does not vary."""
    a, b = ranks(first), ranks(second)
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
