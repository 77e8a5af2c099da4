"""Every rate of the detectors: all step counts, threshold rules and views."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of
from robustgen.stats.detection import summarise
from robustgen.tables import cells, detected
from robustgen.tables.table import Table, data_said, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
TITLE = "Detection in full"


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per cell, protocol, rule and view; AUPR and FPR at 95 % TPR do not depend on the
    threshold.
    """
    del paper  # nothing published is this detailed
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    columns = {
        "model": text("model"),
        "detector": text("detector"),
        "attack": text("attack"),
        **cells.columns(axes_of(thresholds)),
        "protocol": text("protocol"),
        "rule": text("rule"),
        "statistic": detected.statistic(axes_of(thresholds)),
        "view": text("view"),
        "n": text("n"),
        "threshold (energy: -t)": lambda row: f"{row['threshold']:.3f}",
        "DR %": percent("dr"),
        "FPR %": percent("fpr"),
        "AUROC %": percent("auroc"),
        "fooled and not flagged %": percent("joint"),
        "AUPR %": percent("aupr"),
        "FPR % at 95 % TPR": percent("fpr95"),
    }
    if detected.none_fitted(thresholds):
        return detected.unmade(TITLE, columns, thresholds, absent)
    rows = summarise(statistics, thresholds, full=True)
    return Table(TITLE, _note(rows, spec) + detected.unfitted(thresholds) + absent, rows, columns)


def _note(rows: pd.DataFrame, spec: dict[str, Any]) -> str:
    return (
        f"{detected.RATES} {detected.looked_at(spec)} An image is flagged where the statistic "
        "reaches the threshold; that of "
        "the energy is -E(x), at temperature T. View all: every attacked against every clean test "
        "image; successful: of the "
        "images that the net gets right, the attacked versions that fool it against the clean "
        "ones; failed: those that do not, against the same clean ones. n: the attacked images. "
        "Protocol sound: one threshold for all attacks (rule fpr), which flags a stated share of "
        "clean validation images "
        f"({detected.fpr_said(spec)}). Protocol paper: a threshold per attack, from validation "
        "images under that very attack: "
        "the largest DR - FPR (youden), the largest sqrt(DR (1 - FPR)) (gmean, the paper's "
        "G-mean), the temperature too (best "
        "T, by AUROC), or a probability of 1/2 of being attacked (p = 1/2). Fooled and not "
        "flagged: share of the view's clean "
        "images whose attacked version fools the net and passes the detector. AUPR: area under the "
        "precision-recall curve. FPR "
        "at 95 % TPR: FPR of the threshold that flags 95 % of the attacked images. AUROC and these "
        "two need no threshold. "
        "Brackets: 95 % intervals (Clopper-Pearson for shares, DeLong for AUROC, bootstrap for "
        "AUPR and FPR at 95 % TPR) over "
        f"{detected.over(rows)}.{data_said(spec)}"
    )
