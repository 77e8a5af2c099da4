"""What inference by variational smoothing gains: accuracy against budget, steps and passes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.stats.defended import WORST, defended
from robustgen.tables.inference import with_passes
from robustgen.tables.published_smoothing import said_of, steps_of
from robustgen.tables.table import budget

NEEDS = ("scores", "inference_passes")
OPTIONS: dict[str, dict[str, object]] = {}
MARKERS = "osD^vP*X"


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Three panels of worst-case accuracy: by budget, by steps of inference, by passes."""
    rows = with_passes(defended(read_rows(files["scores"]), spec), files)
    rows = rows[rows["attack"] == WORST]
    figure, (axes,) = panels(1, 3, size=(3.2, 2.9))
    if rows.empty:
        blank(axes[0], "no rows")
    styles = {model: _style(place) for place, model in enumerate(spec["models"])}
    for model, mine in rows.groupby("model", sort=False):
        name = f"{model} (inference: {said_of(spec['models'][model])})"
        _line(axes[0], mine["eps"] * 255, mine, label=name, **styles[str(model)])
    axes[0].set(xlabel="$\\epsilon$ in 1/255", ylabel="accuracy, worst of all attacks")
    smallest = rows[rows["eps"] == rows.groupby("model")["eps"].transform("min")]
    for model, mine in smallest.groupby("model", sort=False):
        _line(axes[1], [steps_of(spec["models"][model])], mine, **styles[str(model)])
        _line(axes[2], mine["passes"].clip(lower=1), mine, **styles[str(model)])
    axes[1].set(xlabel="steps of inference (0: none)")
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    axes[2].set(xlabel="passes per image", xscale="log")
    for axis in axes:
        axis.set_ylim(-0.03, 1.03)
    legend(figure, columns=2)
    budgets = ", ".join(budget(eps) for eps in sorted(set(smallest["eps"])))
    caption = (
        "Accuracy on test images under the worst attack of each image, the clean image among them; "
        "averaged over fresh draws of randomised classifiers. Left: by budget. Middle, right: at "
        f"the smallest budget ({budgets}): by steps of inference and by passes of the "
        "base model behind one answer (a backward pass counts as two). Bars: 95 % intervals over "
        "images." + absent
    )
    return Picture(figure, "What inference by variational smoothing gains", caption)


def _style(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "ms": 4,
        "capsize": 2,
    }


def _line(axis: Any, x: Any, rows: pd.DataFrame, **style: Any) -> None:
    y = rows["adversarial"]
    bars = [y - rows["adversarial_low"], rows["adversarial_high"] - y]
    axis.errorbar(x, y, bars, **style)
