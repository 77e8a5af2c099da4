"""Accuracy of several models under bounded perturbations: tables 2.2 to 2.5 of An Ju's thesis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.stats.bounded import EVERY, accuracies
from robustgen.tables.published_abs import accuracy, called
from robustgen.tables.table import Format, Table, budget, data_said, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
NORMS = {"linf": "L_inf", "l2": "L_2", "both": "both", "": ""}
PUBLISHED = "published "  # before a model's name: the column of the thesis' number


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per norm, budget and attack, with the worst of all; one column per model."""
    found = accuracies(read_rows(files["scores"]), spec)
    cells = ["norm", "eps", "attack"]
    rows = found[cells].drop_duplicates().reset_index(drop=True)
    models = [model for model in spec["models"] if (found["model"] == model).any()]
    for model in models:
        mine = found[found["model"] == model].set_index(cells)
        wanted = pd.MultiIndex.from_frame(rows[cells])
        for name, column in (("", model), ("_low", f"{model}_low"), ("_high", f"{model}_high")):
            rows[column] = mine[f"accuracy{name}"].reindex(wanted).to_numpy()
        rows[PUBLISHED + model] = [_said(paper, spec, model, row) for _, row in rows.iterrows()]
    rows["n"] = found.groupby(cells, sort=False, dropna=False)["n"].max().to_numpy()
    columns: dict[str, Format] = {
        "norm": lambda row: NORMS[row["norm"]],
        "eps": lambda row: budget(row["eps"]) if row["norm"] in ("linf", "l2") else "",
        "attack": text("attack"),
        "n": text("n"),
    }
    for model in models:
        columns[model] = percent(model)
        if any(rows[PUBLISHED + model]):
            columns[PUBLISHED + model] = text(PUBLISHED + model)
    return Table(
        "Accuracy under bounded perturbations, %", NOTE + data_said(spec) + absent, rows, columns
    )


NOTE = (
    "Share of test images that are classified rightly, in percent; of a model that draws random "
    "numbers the share of fresh draws, averaged over images. all: per image the worst attack of "
    "the norm, clean images among them, as in the thesis; all of both norms: the worst of all "
    "attacks here. DeepFool, DDN, CW, Boundary, HopSkipJump and LDA look for the nearest "
    "adversarial image, which counts where it lies within the budget. Brackets: 95 % intervals "
    "over images (Clopper-Pearson), or over seeds where there are several. A question mark: the "
    "thesis contradicts the number elsewhere, or a digit or row is evidently misprinted."
)


def _said(paper: pd.DataFrame, spec: dict[str, Any], model: str, row: pd.Series) -> str:
    """The thesis' number for a cell, empty where it has none."""
    name = called(row["attack"], spec["attacks"])
    if not name or row["attack"] == EVERY:
        return ""
    facts = spec["models"][model]
    found = accuracy(paper, facts=facts, norm=row["norm"], eps=row["eps"], attack=name)
    return str(found or "")
