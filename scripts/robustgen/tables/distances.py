"""How far the closest adversarial image of an attack lies: table 2.6 of An Ju's thesis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN, read_rows
from robustgen.stats.bounded import accuracies
from robustgen.stats.nearest import closest, summaries
from robustgen.tables.bounded import NORMS
from robustgen.tables.published_abs import distance
from robustgen.tables.table import Format, Table, data_said, interval, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
TOLD = ("mean", "median")


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and norm."""
    scores = read_rows(files["scores"])
    clean = accuracies(scores, spec).query("attack == @CLEAN").set_index("model")
    rows = summaries(closest(scores, spec))
    rows.insert(0, "dataset", [spec["models"][model]["dataset"] for model in rows["model"]])
    for column in ("accuracy", "accuracy_low", "accuracy_high"):
        rows[column] = rows["model"].map(clean[column])
    for of in (CLEAN, *TOLD):
        rows[f"published_{of}"] = [
            _published(paper, spec["models"][row.model], row.norm, of) for row in rows.itertuples()
        ]
    columns: dict[str, Format] = {
        "data set": text("dataset"),
        "model": text("model"),
        "n": text("n"),
        "natural accuracy %": percent("accuracy"),
        "norm": lambda row: NORMS[row["norm"]],
        "mean distance": interval("mean", 3),
        "median distance": interval("median", 3),
        "never fooled %": lambda row: f"{100 * row['never']:.1f}",
    }
    if rows[[f"published_{of}" for of in (CLEAN, *TOLD)]].any(axis=None):
        columns |= {f"published {of}": text(f"published_{of}") for of in (CLEAN, *TOLD)}
    return Table(
        "Distance of the closest adversarial image", NOTE + data_said(spec) + absent, rows, columns
    )


NOTE = (
    "The closest image, of all budgets of the attacks in a norm, on which at least half of the "
    "fresh draws are wrong; 0 where the clean image is misclassified already. An image that was "
    "never fooled counts with the largest budget that was tried, so that means are lower bounds "
    "where the last column is above 0. Brackets: 95 % intervals over images (bootstrap; natural "
    "accuracy: Clopper-Pearson). A question mark: evidently a misprint in the thesis."
)


def _published(paper: pd.DataFrame, facts: dict[str, Any], norm: str, of: str) -> str:
    return str(distance(paper, facts=facts, norm=norm, of=of) or "")
