"""P-values of McNemar's test of every pair of models: the figures under tables 2.2 to 2.5 of An
Ju's thesis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import Picture, blank, panels
from robustgen.stats.mcnemar import LEVEL
from robustgen.stats.robust import compared, wrong_within
from robustgen.tables.bounded import attack_said, eps_said, one_data_set

NEEDS = ("scores",)
OPTIONS = {
    "linf": {
        "type": "number",
        "several": True,
        "above": 0,
        "rising": True,
        "default": [],
        "means": "Budgets in L_inf; those of the attacks in it that have one where left out.",
    },
    "l2": {
        "type": "number",
        "several": True,
        "above": 0,
        "rising": True,
        "default": [],
        "means": "Budgets in L_2; those of the attacks in it that have one where left out.",
    },
}
MOST = 0.5  # the difference of accuracies at which colours end


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A matrix of models per norm and budget, and one of all attacks."""
    dataset, models = one_data_set(spec), list(spec["models"])
    found = compared(wrong_within(read_rows(files["scores"]), spec))
    parts = [] if found.empty else list(found.groupby(["norm", "eps", "attack"], sort=False))
    side = 1.3 + 0.62 * len(models)
    figure, (axes,) = panels(1, max(len(parts), 1), size=(side, side - 0.3))
    if not parts:
        blank(axes[0], "fewer than two models have rows")
    for axis, (_, pairs) in zip(axes, parts, strict=False):
        _panel(axis, pairs, models)
    caption = (
        f"McNemar's exact test of each pair of models on the same test images of {dataset}, per "
        "image under the worst of the attacks (clean image among them); `all attacks` are those in "
        "both norms and images made on other models. Each cell: accuracy of the model of its line "
        "minus that of its column in points, and the p-value, corrected by Holm over the pairs of "
        f"the panel, bold and with a star where it is below {LEVEL:g}. Of randomised models an "
        "image counts as right where more than half of the draws are." + absent
    )
    return Picture(figure, "McNemar's test of every pair of models", caption)


def _panel(axis: Any, pairs: pd.DataFrame, models: list[str]) -> None:
    difference = np.full((len(models), len(models)), np.nan)
    for pair in pairs.to_dict("records"):
        line, column = models.index(pair["first"]), models.index(pair["second"])
        difference[line, column] = pair["difference"]
        difference[column, line] = -pair["difference"]
        for sign, place in ((1, (column, line)), (-1, (line, column))):  # x, y
            _cell(axis, place, sign * pair["difference"] + 0.0, pair["p_holm"])  # no -0.0
    axis.imshow(difference, cmap="PuOr", vmin=-MOST, vmax=MOST)
    axis.set_xticks(range(len(models)), models, rotation=45, ha="right", fontsize=7)
    axis.set_yticks(range(len(models)), models, fontsize=7)
    axis.grid(visible=False)
    first = pairs.iloc[0]
    said = attack_said(first).replace("L_inf", "$L_\\infty$").replace("L_2", "$L_2$")
    heading = f"{said}, $\\epsilon$ = {eps_said(first)}" if first["eps"] else said
    axis.set_title(f"{heading}, n = {pairs['n'].min()}")


def _cell(axis: Any, place: tuple[int, int], difference: float, p: float) -> None:
    said = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    far, sure = abs(difference) > 0.7 * MOST, p < LEVEL
    axis.text(
        *place,
        f"{100 * difference:+.1f}{'*' if sure else ''}\n{said}",
        ha="center",
        va="center",
        fontsize=6,
        fontweight="bold" if sure else "normal",
        color="white" if far else "black",
    )
