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
from robustgen.report.kept import SPLIT, Kept
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


class Rows:
    """Reads what is known of images; score rows of clean images once per model."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clean: dict[str, pd.DataFrame] = {}

    def judged(self, one: Kept) -> tuple[Judged, Judged]:
        """What is known of the clean images, and of the attacked ones."""
        named = one.model, one.seed, one.attack
        statistics, thresholds = (_read(path) for path in self.plan.detected(*named))
        chosen = headline(at(thresholds, one.cell)) if len(thresholds) else thresholds
        clean, attacked = self._clean(one), at(_read(self.plan.scores(*named)), one.cell)
        flags = [
            _flagged(at(statistics, {"attack": attack, **cell}), chosen)
            for attack, cell in ((CLEAN, {}), (one.attack, one.cell))
        ]
        return (
            Judged(_by_place(clean, one.index), flags[0]),
            Judged(_by_place(attacked, one.index), flags[1]),
        )

    def _clean(self, one: Kept) -> pd.DataFrame:
        path = self.plan.scores(one.model, one.seed, CLEAN)
        if path not in self.clean:
            self.clean[path] = _read(path)
        return self.clean[path]


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


def _by_place(rows: pd.DataFrame, places: np.ndarray) -> dict[int, Row]:
    """The rows of test images at these places of the data set."""
    if not len(rows):
        return {}
    rows = rows[(rows["split"] == SPLIT) & rows["index"].isin(places)]
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
        if not one["why"] and len(statistics):
            mine = statistics[statistics["detector"] == one["detector"]]
            mine = mine[mine["variant"] == one["variant"]]
            reached = mine.loc[mine["statistic"] >= one["threshold"], "index"]
            found.setdefault(one["detector"], set()).update(int(place) for place in reached)
    return found
