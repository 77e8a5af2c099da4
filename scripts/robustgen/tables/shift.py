"""Harmless shifts of the images: false alarms of detectors, and accuracy, by kind and severity."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, axes_of, with_axes
from robustgen.stats.cells import images
from robustgen.stats.detection import bounds, headline, summarise
from robustgen.stats.intervals import share
from robustgen.tables import detected
from robustgen.tables.table import Table, data_said, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
TITLE = "False alarms under harmless shifts"
SHIFT = ["corruption", "severity"]  # axes of the attack's entry


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, corruption and severity, the clean images first."""
    del paper
    detectors = list(spec["detectors"])
    statistics, thresholds = detected.read(files["detect"], detectors)
    columns = {
        "model": text("model"),
        "corruption": text("corruption"),
        "severity": text("severity"),
        "n": text("n"),
        "accuracy %": percent("accuracy"),
    }
    chosen = headline(thresholds)
    if detected.none_fitted(thresholds):
        return detected.unmade(TITLE, columns, chosen, absent)
    rows = shifted(statistics, chosen)
    columns |= {f"{name} %": percent(name) for name in detectors if name in rows}
    note = (
        "Test images under harmless shifts (severity 1 to 5; 0: clean images). Accuracy: share "
        "that the net gets right. Of each detector: share that it flags, which are all false "
        "alarms, at its one threshold, chosen so that a stated share of clean validation images is "
        f"flagged ({detected.fpr_said(spec)}). {detected.looked_at(spec)} Brackets: 95 % intervals "
        f"over {detected.over(rows)}.{data_said(spec)}"
    )
    return Table(TITLE, note + detected.unfitted(chosen) + absent, rows, columns)


def shifted(statistics: pd.DataFrame, thresholds: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, and per detector the share of flagged images, by model, corruption and severity; a
    detector's columns are its name, name_low and name_high.
    """
    if lacking := [axis for axis in SHIFT if axis not in axes_of(thresholds)]:
        raise Refused(
            f"The rows have no axis {' and no axis '.join(lacking)}; let the attack's entry sweep "
            f"{' and '.join(SHIFT)}."
        )
    thresholds = thresholds[thresholds["corruption"] != ""]
    statistics = statistics[(statistics["attack"] == CLEAN) | (statistics["corruption"] != "")]
    rows = _accuracies(statistics)
    found = summarise(statistics, thresholds, views=("all",))
    for one in found.to_dict("records"):
        clean = (one["dataset"], one["model"], CLEAN, 0)
        for key, rate in ((clean, "fpr"), ((*clean[:2], *(one[axis] for axis in SHIFT)), "dr")):
            ends = {f"{one['detector']}{end}": one[f"{rate}{end}"] for end in ("", "_low", "_high")}
            rows[key] |= ends
    return with_axes(pd.DataFrame(list(rows.values())), SHIFT)


def _accuracies(statistics: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    """(data set, model, corruption, severity) -> a row with n and accuracy, clean images first."""
    once = statistics.drop_duplicates(["model", "seed", "attack", *SHIFT, "index"])
    corruption = once["corruption"].where(once["attack"] != CLEAN, CLEAN)
    by = ["dataset", "model", *SHIFT]
    groups = list(once.assign(corruption=corruption).groupby(by, sort=False))
    rows = {}
    for key, part in sorted(groups, key=lambda pair: pair[0][2] != CLEAN):
        right = [share((1 - one["success"]).sum(), len(one)) for _, one in part.groupby("seed")]
        rows[key] = (
            dict(zip(by, key, strict=True)) | {"n": images(part)} | bounds("accuracy", right)
        )
    models = list(dict.fromkeys(key[:2] for key in rows))
    return {key: rows[key] for model in models for key in rows if key[:2] == model}
