"""One detection job: all detectors of one net against one attack, from score rows to statistics and
thresholds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd

from robustgen.core import kinds
from robustgen.core.contracts import RefusedModule, blamed
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, axes_of, cell_of, joined, with_axes
from robustgen.detect.contract import asking, checked, seen, statistic
from robustgen.detect.rows import filled, learnt, of_split, validation
from robustgen.detect.types import Fitted, Validation

KEEP = ("index", "label", "success")
KEYS = ("detector", "variant")  # what tells the statistics of an image apart

Entry = dict[str, Any]  # name, kind, fpr and options of a detector


@dataclass(frozen=True)
class Cell:
    """One cell of the attack."""

    axes: dict[str, Any]  # identity and axes
    rows: pd.DataFrame


@dataclass(frozen=True)
class Answer:
    """What a detector's protocol made of validation images of a cell."""

    cell: Cell
    protocol: str
    fitted: list[Fitted]
    why: str = ""  # the reason where nothing could be fitted


def run(
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    others: dict[str, pd.DataFrame],
    *,
    entries: dict[str, dict[str, Any]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics of test images, thresholds per attack cell and detector) from score rows of
    validation and test images.

    A detector that cannot be fitted leaves a row of thresholds whose `why` holds the reason.
    """
    cells, statistics, thresholds = _cells(attacked), [], []
    for name, settings in entries.items():
        entry = filled(name, settings)
        answers = list(_answers(entry, clean, others, cells))
        thresholds += [row for answer in answers for row in _thresholds(entry, answer)]
        statistics += _statistics(entry, clean, answers)
    columns = [*cell_of(attacked), *KEEP, *KEYS, "statistic"]
    rows = joined(statistics) if statistics else pd.DataFrame(columns=columns)
    axes = axes_of(attacked)
    return with_axes(rows[columns], axes), with_axes(pd.DataFrame(thresholds), axes)


def _cells(attacked: pd.DataFrame) -> list[Cell]:
    names = cell_of(attacked)
    return [
        Cell(dict(zip(names, values, strict=True)), with_axes(rows, axes_of(attacked)))
        for values, rows in attacked.groupby(names, sort=True)
    ]


def _answers(
    entry: Entry, clean: pd.DataFrame, others: dict[str, pd.DataFrame], cells: list[Cell]
) -> Iterator[Answer]:
    """For each cell the one sound fit, and the cell's own where the kind has such a protocol and
    validation images were attacked.
    """
    with blamed(f"Detector {entry['name']} of kind", entry["kind"]):
        module = kinds.load("detectors", entry["kind"])
    known = validation(clean, others, entry)
    sound, why = _attempt(module, "sound", entry, known)
    for cell in cells:
        yield Answer(cell, "sound", sound, why)
        if hasattr(module, "paper") and (cell.rows["split"] == "validation").any():
            attacked = learnt(cell.rows, entry["name"])
            yield Answer(cell, "paper", *_attempt(module, "paper", entry, known, attacked))


def _attempt(
    module: ModuleType, protocol: str, entry: Entry, known: Validation, *attacked: pd.DataFrame
) -> tuple[list[Fitted], str]:
    """What was fitted, or why nothing was: a refusal is a result too, for other detectors and cells
    go on, but a broken contract ends the job.
    """
    try:
        with asking(entry, known.clean):
            answer = getattr(module, protocol)(known, *attacked, settings=entry)
            return checked(answer, protocol), ""
    except RefusedModule:
        raise
    except Refused as refusal:
        print(f"{entry['name']}: {refusal}", file=sys.stderr)
        return [], str(refusal)


def _thresholds(entry: Entry, answer: Answer) -> Iterator[dict[str, Any]]:
    """One row per threshold, or the one that says why there is none."""
    row = {**answer.cell.axes, "detector": entry["name"], "protocol": answer.protocol}
    row |= {"why": answer.why, "rule": "", "variant": "", "shown": "", "threshold": 0.0}
    if answer.why:
        yield row
    for one in answer.fitted:
        told = {name: getattr(one, name) for name in ("rule", "variant", "shown", "threshold")}
        yield row | told


def _statistics(entry: Entry, clean: pd.DataFrame, answers: list[Answer]) -> list[pd.DataFrame]:
    """The statistic of each variant on the test images of its cells, and on clean ones."""
    used: dict[tuple[Any, ...], tuple[pd.DataFrame, Fitted]] = {}
    for answer in answers:
        for one in answer.fitted:
            used[(one.variant, *answer.cell.axes.values())] = (answer.cell.rows, one)
            used[(one.variant, CLEAN)] = (clean, one)
    return [_stated(entry, rows, one) for rows, one in used.values()]


def _stated(entry: Entry, rows: pd.DataFrame, fitted: Fitted) -> pd.DataFrame:
    test = of_split(rows, "test")
    known = seen(test, entry["name"])
    with asking(entry, known):
        values = statistic(fitted, known)
    kept = test[[*cell_of(rows), *KEEP]]
    found = kept.assign(detector=entry["name"], variant=fitted.variant, statistic=values)
    return with_axes(found, axes_of(rows))
