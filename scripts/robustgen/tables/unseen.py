"""Images of another data set put before the detectors: how well each tells them from clean ones."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of
from robustgen.stats.cells import at_last_step
from robustgen.stats.detection import headline, summarise
from robustgen.tables import detected
from robustgen.tables.cells import named
from robustgen.tables.table import Table, data_said, percent, text

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
TITLE = "Images of other data"


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, other images (an attack's entry) and detector; success plays no part."""
    del paper
    statistics, thresholds = detected.read(files["detect"], list(spec["detectors"]))
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "other images": named(axes_of(thresholds)),
        "detector": text("detector"),
        "n": text("n"),
        "n of clean images": text("n_clean"),
        "AUROC %": percent("auroc"),
        "AUPR %": percent("aupr"),
        "FPR % at 95 % TPR": percent("fpr95"),
    }
    chosen = at_last_step(headline(thresholds))
    if detected.none_fitted(thresholds):
        return detected.unmade(TITLE, columns, chosen, absent)
    rows = summarise(statistics, chosen, full=True, views=("all",))
    note = (
        "Each detector ranks images of other data against all clean test images of the model's own "
        "data; whether the net names their class rightly plays no part. AUROC (area under the ROC "
        "curve): how often it ranks one of the other images above a clean one. AUPR: area under "
        "the precision-recall curve, other images being those to find; it depends on how many "
        "there are of each (n). FPR at 95 % TPR: share of clean images that are flagged where 95 % "
        f"of the others are. {detected.looked_at(spec)} Brackets: 95 % intervals (DeLong for "
        f"AUROC, else bootstrap) over {detected.over(rows)}.{data_said(spec)}"
    )
    return Table(TITLE, note + detected.unfitted(chosen) + absent, rows, columns)
