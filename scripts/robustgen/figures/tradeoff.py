"""Error rate against the quality of reconstructions: figure 3.5 of An Ju's thesis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.stats.inverted import average, error, per_image
from robustgen.tables.published_inversion import method

NEEDS = ("inversions",)
OPTIONS: dict[str, dict[str, object]] = {}
MARKERS = ("o", "^", "s", "D", "v", "P")


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per data set and metric; a line per method over the weights of its regulariser."""
    rows = read_rows([path for path in files["inversions"] if path.endswith(".parquet")])
    groups: dict[tuple[str, str], list[tuple[str, pd.DataFrame]]] = {}
    for model, facts in spec["models"].items():
        mine = rows[rows["model"] == model]
        for metric, part in mine.groupby("metric"):
            groups.setdefault((facts["dataset"], str(metric)), []).append((model, part))
    figure, axes = panels(1, max(1, len(groups)), size=(3.8, 3.2))
    if not groups:
        blank(axes[0, 0], "no inversions")
    for axis, ((dataset, metric), models) in zip(axes[0], groups.items(), strict=False):
        for number, (model, mine) in enumerate(models):
            family = method(spec["models"][model]["family"])
            _methods(axis, mine, family, COLOURS[number % len(COLOURS)], MARKERS[number % 6])
        axis.set_title(f"{dataset}: {metric}")
        axis.set_xlabel("in-domain perceptual distance")
        axis.set_ylabel("error rate in %")
    legend(figure, columns=3)
    caption = (
        "Error rate and perceptual distance between test images and their reconstructions by the "
        "true class; each point is one weight lambda of the regulariser, written beside it, and "
        "bars are 95 % intervals over images (or seeds). Filled: one code; open, +: further codes "
        "for each place where a code enters the generator." + absent
    )
    return Picture(figure, "Errors against the quality of reconstructions", caption)


def _methods(axis: Any, mine: pd.DataFrame, family: str, colour: str, marker: str) -> None:
    """One line without and one with further codes, for each number of steps."""
    several = mine["steps"].nunique() > 1
    for (plus, steps), cells in mine.groupby(["plus", "steps"]):
        images = {weight: per_image(cell) for weight, cell in cells.groupby("lambda_")}
        x = [average(one, "inside").value for one in images.values()]
        errors = [error(one) for one in images.values()]
        y = [100 * one.value for one in errors]
        bars = [[100 * (one.value - one.low) for one in errors],
                [100 * (one.high - one.value) for one in errors]]  # fmt: skip
        name = family + "+" * bool(plus) + (f", {steps} steps" if several else "")
        look = {"color": colour, "marker": marker, "linewidth": 1, "elinewidth": 0.7}
        look |= {"linestyle": "--" if plus else "-", "markerfacecolor": "w" if plus else colour}
        axis.errorbar(x, y, yerr=bars, label=name, **look)
        for weight, *place in zip(images, x, y, strict=True):
            axis.annotate(f"{weight:g}", place, fontsize=6, xytext=(3, 3),
                          textcoords="offset points")  # fmt: skip
