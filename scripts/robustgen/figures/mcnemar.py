"""McNemar's tests of every pair of models, as matrices of p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import Picture, panels
from robustgen.stats.bounded import Block, blocks, pairs
from robustgen.tables.table import budget

NEEDS = ("scores",)
OPTIONS = {
    "alpha": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.01,
        "means": "Level below which a corrected p-value counts as significant.",
    },
}
NORMS = {"linf": "$L_\\infty$", "l2": "$L_2$"}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel for clean images, and one per norm and budget for the worst attack."""
    found = list(blocks(read_rows(files["scores"]), spec))
    figure, axes = panels(1, len(found), size=(3.2, 3.0))
    alpha = spec["options"]["alpha"]
    for axis, block in zip(axes[0], found, strict=True):
        _matrix(axis, pairs(block), list(block.models), alpha)
        axis.set_title(_heading(block), fontsize=8)
    caption = (
        "McNemar's exact test of each pair of models on the same test images, under the worst "
        "attack of each image: p-values after Holm's correction over the pairs of a panel. Blue: "
        "the model of the line has more images right, red: fewer; pale: the difference is not "
        f"significant at {alpha:g}. Of a model that draws random numbers an image counts as wrong "
        "where at least half of the draws are." + absent
    )
    return Picture(figure, "McNemar's tests of pairs of models", caption)


def _heading(block: Block) -> str:
    if not block.norm:
        return "clean"
    if block.norm not in NORMS:
        return "worst of both norms"
    return f"worst attack, {NORMS[block.norm]}, $\\epsilon$ = {budget(block.eps)}"


def _matrix(axis: Any, tests: pd.DataFrame, models: list[str], alpha: float) -> None:
    colours = np.zeros((len(models), len(models)))
    for test in tests.itertuples():
        at = (models.index(test.first), models.index(test.second))
        lead = np.sign(test.first_alone - test.second_alone)
        strength = lead * (1.0 if test.p_holm < alpha else 0.3)
        colours[at], colours[at[::-1]] = strength, -strength
        for line, column in (at, at[::-1]):
            axis.text(column, line, f"{test.p_holm:.2g}", ha="center", va="center", fontsize=6)
    axis.imshow(colours, cmap="RdBu", vmin=-1.6, vmax=1.6)
    axis.set_xticks(range(len(models)), models, rotation=40, ha="right", fontsize=6)
    axis.set_yticks(range(len(models)), models, fontsize=6)
    axis.grid(visible=False)
