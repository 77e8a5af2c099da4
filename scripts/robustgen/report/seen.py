"""What a model and its detectors make of single test images, from rows of scores and of
detection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robustgen.core.files import BadFile
from robustgen.core.rows import CLEAN, read_rows
from robustgen.stats.detection import headline
from robustgen.study.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Row:
    """What a model makes of one image; of a randomised one on average over draws."""

    label: int
    prediction: int
    right: bool
    energy: float | None  # None where it was not measured


@dataclass(frozen=True)
class Judged:
    """What is known of the images of a cell: place in the data set -> row, and detector -> places
    of the images that it flags.
    """

    rows: dict[int, Row]
    flagged: dict[str, set[int]] = field(default_factory=dict)


def judged(
    plan: Plan, model: str, seed: str, attack: str, cell: Mapping[str, Any]
) -> tuple[Judged, Judged]:
    """What is known of clean images, and of those under a cell of an attack."""
    statistics, thresholds = (_read(path) for path in plan.detected(model, seed, attack))
    chosen = headline(at(thresholds, cell)) if len(thresholds) else thresholds
    found = []
    for name in (CLEAN, attack):
        setting = cell if name == attack else {}
        rows = at(_read(plan.scores(model, seed, name)), setting)
        rows = rows[rows["split"] == "test"] if len(rows) else rows
        own = statistics[statistics["attack"] == name] if len(statistics) else statistics
        found.append(Judged(_by_place(rows), _flagged(at(own, setting), chosen)))
    return found[0], found[1]


def at(rows: pd.DataFrame, cell: Mapping[str, Any]) -> pd.DataFrame:
    """The rows at these values of axes, those that the rows have."""
    for axis, value in cell.items():
        if axis in rows:
            same = rows[axis] == value if isinstance(value, str) else np.isclose(rows[axis], value)
            rows = rows[same]
    return rows


def _read(path: str) -> pd.DataFrame:
    """The rows of a file; none where it is absent or damaged."""
    try:
        return read_rows([path] if Path(path).exists() else [])
    except BadFile:
        return read_rows([])


def _by_place(rows: pd.DataFrame) -> dict[int, Row]:
    return {
        int(one.index): Row(
            int(one.label), int(one.prediction), one.success < 0.5, float(one.energy)
        )
        for one in rows.itertuples(index=False)
    }


def _flagged(statistics: pd.DataFrame, thresholds: pd.DataFrame) -> dict[str, set[int]]:
    """Detector -> places of the images whose statistic reaches its headline threshold."""
    found: dict[str, set[int]] = {}
    for one in thresholds.to_dict("records"):
        if not one["why"]:
            mine = statistics[statistics["detector"] == one["detector"]]
            mine = mine[mine["variant"] == one["variant"]]
            reached = mine.loc[mine["statistic"] >= one["threshold"], "index"]
            found.setdefault(one["detector"], set()).update(int(place) for place in reached)
    return found
