"""Which rows of a cell count: those at the last step, or at the first setting of every axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from robustgen.core.rows import axes_of, cell_of

if TYPE_CHECKING:
    import pandas as pd

STEPS = "steps"  # the axis along which an attack's trajectory is shown; its end is the attack


def last(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the largest step count."""
    return rows[rows[STEPS] == rows[STEPS].max()] if STEPS in rows else rows


def at_last_step(rows: pd.DataFrame, by: Sequence[str] = ("model", "attack")) -> pd.DataFrame:
    """The rows at each attack's largest step count."""
    if STEPS not in rows:
        return rows
    return rows[rows[STEPS] == rows.groupby(list(by))[STEPS].transform("max")]


def first_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the first value of every axis, in the order of the sweep, after the last step."""
    for axis in axes_of(rows):
        if axis != STEPS:
            rows = rows[rows[axis] == rows[axis].iloc[0]]
    return last(rows)


def settings(rows: pd.DataFrame) -> list[str]:
    """The columns that name a cell over all repetitions: those of `cell_of` without the seed."""
    return [name for name in cell_of(rows) if name != "seed"]


def images(rows: pd.DataFrame | pd.Series) -> int:
    """How many images each seed has among rows of one image and seed each, on average where seeds
    differ: seeds share their images, so that these are not counted once for each.
    """
    seeds = rows["seed"] if "seed" in rows else rows.index.get_level_values("seed")
    return round(len(rows) / max(seeds.nunique(), 1))


def spread(rows: pd.DataFrame, name: str) -> float:
    """The standard deviation of a column over images, averaged over seeds: what seeds differ by is
    no spread of images.
    """
    return float(rows.groupby("seed")[name].std().mean())


def nothing(rows: pd.DataFrame, axis: str) -> float | str:
    """What stands on an axis where an attack does not have it."""
    return "" if rows[axis].dtype.kind not in "biuf" else 0


def has(rows: pd.DataFrame, axis: str) -> bool:
    """Whether any of the rows has something on an axis, which an attack without it has not."""
    return bool((rows[axis] != nothing(rows, axis)).any())
