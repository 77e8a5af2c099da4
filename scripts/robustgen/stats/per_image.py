"""How often each image is misclassified, and accuracy from it: the share of fresh draws of a
randomised classifier that are right, averaged over images; other classifiers have one draw.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from robustgen.stats.intervals import Interval, mean, over_seeds, share

IMAGE = ["seed", "index"]


def by_image(rows: pd.DataFrame) -> pd.Series:
    """The share of wrong draws of each image, by seed and index; of several settings of an attack
    the largest.
    """
    found: pd.Series = rows.groupby(IMAGE)["success"].max().astype(np.float64)
    return found


def worst(each: Iterable[pd.Series]) -> pd.Series:
    """The largest share of wrong draws of each image, of those that stand in all of them."""
    found: pd.Series = pd.concat([*each], axis=1, join="inner").max(axis=1)
    return found


def accuracy(wrong: pd.Series) -> Interval:
    """The share of right draws, averaged over images, or over seeds where there are several."""
    parts = [part for _, part in wrong.groupby(level="seed")]
    return over_seeds([share(float((1 - part).sum()), len(part)) for part in parts])[0]


def mean_of(rows: pd.DataFrame, column: str) -> Interval:
    """The mean of a column over rows, or over seeds where there are several."""
    return over_seeds([mean(one[column].to_numpy()) for _, one in rows.groupby("seed")])[0]


def bounds(name: str, found: Interval) -> dict[str, float]:
    """An estimate and its bounds under the names of three columns."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
