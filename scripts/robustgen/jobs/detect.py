"""One detection job: all detectors of one net against one attack, from score rows to statistics and
thresholds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pandas as pd

from robustgen.core import kinds
from robustgen.core.contracts import RefusedModule, blamed
from robustgen.core.refusal import Refused
from robustgen.core.rows import CELL, CLEAN
from robustgen.detect.contract import asking, checked, seen, statistic
from robustgen.detect.types import Fitted, Validation

KEEP = [*CELL, "index", "label", "success"]

Entries = dict[str, dict[str, Any]]  # detector -> its settings
Cells = list[tuple[dict[str, Any], pd.DataFrame]]  # (axes, score rows) of each cell of the attack
Answer = list[Fitted] | str  # what was fitted, or why nothing could be


def run(
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    others: dict[str, pd.DataFrame],
    *,
    entries: Entries,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics of test images, thresholds per attack cell and detector) from score rows of
    validation and test images.

    A detector that cannot be fitted leaves a row of thresholds whose `why` holds the reason.
    """
    cells = [
        (dict(zip(CELL, cell, strict=True)), rows)
        for cell, rows in attacked.groupby(list(CELL), sort=True)
    ]
    statistics, thresholds = [pd.DataFrame(columns=[*KEEP, "detector", "variant", "statistic"])], []
    for name, settings in entries.items():
        entry = {**settings, "name": name}
        # (variant, cell) -> rows and the statistic they are to get
        used: dict[tuple[Any, ...], tuple[pd.DataFrame, Fitted]] = {}
        for axes, rows, protocol, answer in _answers(
            entry, _validation(clean, others, entry), cells
        ):
            if isinstance(answer, str):
                thresholds.append(_threshold(axes, name, protocol, why=answer))
                continue
            thresholds += [_threshold(axes, name, protocol, fitted) for fitted in answer]
            for fitted in answer:
                used |= {
                    (fitted.variant, *axes.values()): (rows, fitted),
                    (fitted.variant, CLEAN): (clean, fitted),
                }
        statistics += [_statistics(rows, entry, fitted) for rows, fitted in used.values()]
    return pd.concat(
        [rows for rows in statistics if len(rows)] or statistics, ignore_index=True
    ), pd.DataFrame(thresholds)


def _answers(
    entry: dict[str, Any], validation: Validation, cells: Cells
) -> Iterator[tuple[dict[str, Any], pd.DataFrame, str, Answer]]:
    """(axes, rows, protocol, answer) for each cell: the one sound fit, and the cell's own where the
    kind has such a protocol.
    """
    with blamed(f"Detector {entry['name']} of kind", entry["kind"]):
        module = kinds.load("detectors", entry["kind"])
    sound = _attempt(module, "sound", entry, validation)
    for axes, rows in cells:
        yield axes, rows, "sound", sound
        if hasattr(module, "paper"):
            yield (
                axes,
                rows,
                "paper",
                _attempt(module, "paper", entry, validation, _learnt(rows, entry)),
            )


def _attempt(module: ModuleType, protocol: str, entry: dict[str, Any], *rows: Any) -> Answer:
    """What was fitted; a refusal is a result too, for other detectors and cells go on, but a broken
    contract ends the job.
    """
    try:
        with asking(entry, rows[0].clean):
            return checked(getattr(module, protocol)(*rows, settings=entry), protocol)
    except RefusedModule:
        raise
    except Refused as refusal:
        print(f"{entry['name']}: {refusal}", file=sys.stderr)
        return str(refusal)


def _validation(
    clean: pd.DataFrame, others: dict[str, pd.DataFrame], entry: dict[str, Any]
) -> Validation:
    fit, noise = (
        _learnt(others[name], entry) if (name := entry[use]) else None for use in ("fit", "noise")
    )
    return Validation(_learnt(clean, entry), fit, noise)


def _learnt(rows: pd.DataFrame, entry: dict[str, Any]) -> pd.DataFrame:
    """Validation images, of which a detector that learns may also know the attack and whether it
    fools the net.
    """
    return seen(_split(rows, "validation"), entry["name"], *CELL, "index", "success")


def _threshold(
    axes: dict[str, Any], name: str, protocol: str, fitted: Fitted | None = None, *, why: str = ""
) -> dict[str, Any]:
    row = {**axes, "detector": name, "protocol": protocol, "why": why}
    names = ("rule", "variant", "shown", "threshold")
    return row | (
        {key: getattr(fitted, key) for key in names}
        if fitted
        else dict(zip(names, ("", "", "", 0.0), strict=True))
    )


def _statistics(rows: pd.DataFrame, entry: dict[str, Any], fitted: Fitted) -> pd.DataFrame:
    test = _split(rows, "test")
    known = seen(test, entry["name"])
    with asking(entry, known):
        values = statistic(fitted, known)
    return test[KEEP].assign(detector=entry["name"], variant=fitted.variant, statistic=values)


def _split(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows["split"] == name]
