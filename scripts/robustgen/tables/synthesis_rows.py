"""What the tables of synthesis share: rows of a task, nets by how they were trained, and numbers
beside those of the first net of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.stats.cells import images
from robustgen.stats.intervals import (
    Interval,
    Rate,
    mean,
    over_seeds,
    paired_share_difference,
    share,
)
from robustgen.tables.gradients import trained

IMAGE = ["seed", "index"]
SHARES = ("judged", "probability", "confidence", "iou", "iou_source")


def rows_of(files: dict[str, list[str]], measure: str) -> pd.DataFrame:
    """The rows of a measure."""
    return read_rows([path for path in files[measure] if path.endswith(".parquet")])


def named(model: str, facts: dict[str, Any], part: pd.DataFrame) -> dict[str, Any]:
    """Columns that say which net rows are of."""
    objective = facts["part_objectives"].get("net", facts["objective"])
    told = {"dataset": facts["dataset"], "model": model, "net": facts["parts"].get("net", model)}
    return told | {"trained": trained(objective), "n": images(part)}


def cells(rows: pd.DataFrame, spec: dict[str, Any], by: str) -> Iterator[tuple[str, Any, Any]]:
    """(model, value of `by`, rows), in the order of the values and of the table's models."""
    for value in dict.fromkeys(rows[by]):
        for model in spec["models"]:
            part = rows[(rows["model"] == model) & (rows[by] == value)]
            if len(part):
                yield model, value, part


def average(part: pd.DataFrame, column: str) -> Interval:
    """The mean over images, or over seeds; of what lies between 0 and 1 the interval does too."""
    found = _over(part, lambda one: mean(one[column].to_numpy(np.float64)))
    if column not in SHARES:
        return found
    return Rate(found.value, max(0.0, found.low), min(1.0, found.high)).under(found.law)


def rate(part: pd.DataFrame, column: str) -> Interval:
    """The share of images, or over seeds."""
    return _over(part, lambda one: share(float(one[column].sum()), len(one)))


def gained(part: pd.DataFrame, column: str, base: str) -> Interval:
    """The mean of column minus base on the same images."""
    return _over(part, lambda one: mean((one[column] - one[base]).to_numpy(np.float64)))


def beside(part: pd.DataFrame, first: pd.DataFrame, column: str, *, shares: bool) -> Interval:
    """The column's mean minus that of the first net, on the same images; NaN where none is shared,
    and 0 for the first net itself.
    """
    columns = [one.set_index(IMAGE)[column] for one in (part, first)]
    both = pd.concat(columns, axis=1, join="inner", keys=["mine", "first"])
    pairs = [
        (one["mine"].to_numpy(np.float64), one["first"].to_numpy(np.float64))
        for _, one in both.groupby(level="seed")
    ]
    if not pairs:
        return Interval(np.nan, np.nan, np.nan)
    compare = paired_share_difference if shares else lambda a, b: mean(a - b)
    return over_seeds([compare(a, b) for a, b in pairs])[0]


def _over(part: pd.DataFrame, number: Callable[[pd.DataFrame], Interval]) -> Interval:
    return over_seeds([number(one) for _, one in part.groupby("seed")])[0]
