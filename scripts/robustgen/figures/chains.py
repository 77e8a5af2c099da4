"""Langevin chains on each net's own energies: what they look like, and how the energies fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import COLOURS, Picture, blank
from robustgen.figures.synthesized import net_said
from robustgen.tables.chains import SAID
from robustgen.tables.synthesis_rows import average, rows_of

NEEDS = ("chains",)
OPTIONS = {
    "each": {
        "type": "whole number",
        "least": 1,
        "default": 3,
        "means": "Chains of each energy and net that are shown.",
    },
}
SIZE = (2.6, 1.6)  # of a panel of pictures, in inches
WIDTH = 3.4  # of the curves


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Left a line of two panels of pictures per net, right the energies of all nets."""
    arrays = first_runs(files["chains"])[1] if files["chains"] else {}
    rows, models = rows_of(files, "chains"), spec["models"]
    figure, pictures, curves = _axes(max(1, len(models)))
    for line, (model, facts) in zip(pictures, models.items(), strict=False):
        _pictures(line, model, facts, arrays.get(model), spec["options"]["each"])
    for axis, energy in zip(curves, SAID, strict=True):
        _curves(axis, rows, energy, models)
    curves[0].set_xlabel("")
    if curves[0].get_legend_handles_labels()[0]:
        curves[0].legend(fontsize=7)
    caption = (
        "Chains that follow the input gradient of a net's own energy as if it were a score, with a "
        "little noise: x <- x - (alpha / 2) grad E + noise. Left: one chain per line, from its "
        "start to its end, at the step counts that are written below, clamped to [0,1]; the first "
        "column of panels is of E(x) = -logsumexp of the logits, the second of E(x,y) = -logit of "
        "a class, the classes in turn. Starts and noise are the same for all nets. Right: the mean "
        "energy along the steps, with 95 % intervals over chains, or over seeds; the axis is "
        "linear from -10 to 10 and logarithmic beyond. Energies of different nets have no common "
        "zero; what can be compared is whether pictures begin to show objects as energies fall."
    )
    return Picture(figure, "Samples of the nets' own energies", caption + absent)


def _axes(nets: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """(figure, axes of pictures [nets,2], axes of curves [2])."""
    from matplotlib.figure import Figure

    width = len(SAID) * SIZE[0]
    figure = Figure(figsize=(width + WIDTH, max(SIZE[1] * nets, 4.4)))
    parts: Any = figure.subfigures(1, 2, width_ratios=(width, WIDTH))
    left, right = parts
    pictures = left.subplots(nets, len(SAID), squeeze=False)
    return figure, pictures, right.subplots(len(SAID), 1)


def _pictures(
    line: np.ndarray,
    model: str,
    facts: dict[str, Any],
    found: dict[str, np.ndarray] | None,
    each: int,
) -> None:
    """The panels of a net, one per energy."""
    for number, (axis, said) in enumerate(zip(line, SAID.values(), strict=True)):
        if found is None:
            blank(axis, "" if number else f"{model}: no chains")
            continue
        show(axis, found["pictures"][number, :each] / 255)
        side = found["pictures"].shape[-1] + 1
        places = side * (np.arange(len(found["marks"])) + 0.5)
        axis.set_xticks(places, [str(mark) for mark in found["marks"]], fontsize=7)
        axis.tick_params(length=0)
        axis.set_title(f"{net_said(facts)}: {said}", fontsize=8)


def _curves(axis: Any, rows: pd.DataFrame, energy: str, models: dict[str, Any]) -> None:
    """The mean energy of each net at the recorded steps."""
    if rows.empty:
        blank(axis, "no rows")
        return
    for number, (model, facts) in enumerate(models.items()):
        mine = rows[(rows["model"] == model) & (rows["energy"] == energy)]
        found = {steps: average(part, "value") for steps, part in mine.groupby("steps")}
        if not found:
            continue
        x, colour = list(found), COLOURS[number % len(COLOURS)]
        low, high = ([getattr(one, end) for one in found.values()] for end in ("low", "high"))
        axis.plot(x, [one.value for one in found.values()], marker="o", ms=3, color=colour,
                  label=net_said(facts))  # fmt: skip
        axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    axis.set_yscale("symlog", linthresh=10)
    axis.set_xlabel("steps")
    axis.set_ylabel(SAID[energy])
