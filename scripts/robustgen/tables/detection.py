"""Every rate of the detectors: all step counts, threshold rules and views."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.stats.detection import summarise
from robustgen.tables import detected
from robustgen.tables.table import Table, budget, data_said, interval, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}


def make(files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str) -> Table:
    """One row per cell, protocol, rule and view; AUPR and FPR at 95 % TPR do not depend on the threshold."""
    del paper  # nothing published is this detailed
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    rows = summarise(statistics, thresholds, full=True)
    columns = {
        "model": text("model"),
        "detector": text("detector"),
        "attack": text("attack"),
        "eps": lambda row: budget(row["eps"]),
        "steps": text("steps"),
        "lambda": lambda row: f"{row['weight']:g}",
        "protocol": text("protocol"),
        "rule": text("rule"),
        "statistic": text("variant"),
        "view": text("view"),
        "n": text("n"),
        "threshold (energy: -t)": lambda row: f"{row['threshold']:.3f}",
        "DR %": percent("dr"),
        "FPR %": percent("fpr"),
        "AUROC %": percent("auroc"),
        "fooled and not flagged %": percent("joint"),
        "AUPR %": percent("aupr"),
        "FPR at 95 % TPR": interval("fpr95", 3),
    }
    note = (
        "Sound: one threshold from clean validation images. Paper: one per cell, from validation images under the same attack. "
        "Brackets: 95 % intervals (Clopper-Pearson for shares, DeLong for AUROC, bootstrap for AUPR and FPR at 95 % TPR) over "
        f"{detected.over(rows)}.{data_said(spec)}"
    )
    return Table("Detection in full", note + detected.unfitted(thresholds) + absent, rows, columns)
