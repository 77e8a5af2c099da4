"""E(x) against E(x,y) before and after an attack: their difference is the cross entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, GREEN, ORANGE, PURPLE, Picture, legend

NEEDS = ("scores",)
OPTIONS = {
    "steps": {
        "type": "whole number",
        "least": 0,
        "default": None,
        "among": "steps",
        "means": "The step count that is shown; the largest where left out.",
    },
}
BOUND = "E(x,y) = E(x): cross entropy 0"


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model and budget; `options.steps` is the step count, the largest where left
    out.
    """
    scores = cells.test_rows(read_rows(files["scores"]))
    shown = cells.at_steps(scores, spec)
    figure, attack = cells.grid(shown, spec, panel=_panel), cells.attacks(spec)
    legend(figure, columns=3)
    caption = (
        "Each point is a test image, clean (blue) or after "
        f"{cells.with_steps(spec)} (orange, green where there are two attacks); y is "
        "its label. E(x) = -logsumexp of the logits, low where the net finds the image likely; "
        "E(x,y) = -logit of the label. Their difference is the cross entropy, which is never "
        "negative: no point lies in the grey half below the line, and an attack moves points away "
        "from it, upwards by taking from the label, to the left by making another class certain."
        + absent
    )
    return Picture(figure, f"Joint energies under {attack}", caption)


def _panel(axis: Any, clean: pd.DataFrame, attacked: pd.DataFrame) -> None:
    first = attacked.iloc[0]
    clouds = [(clean, BLUE, "clean")]
    colours = (ORANGE, GREEN, "0.3", PURPLE)
    for (name, rows), colour in zip(cells.forms(attacked), colours, strict=False):
        clouds.append((rows, colour, name))
    for rows, colour, name in clouds:
        axis.scatter(
            rows["energy"],
            rows["energy_y"],
            s=5,
            color=colour,
            alpha=_alpha(len(rows)),
            lw=0,
            rasterized=True,
        )
        axis.scatter([], [], s=16, color=colour, label=name)
    bound(axis, pd.concat([rows for rows, *_ in clouds]))
    axis.set_title(cells.heading(first["dataset"], first["model"], first["eps"]))


def bound(axis: Any, rows: pd.DataFrame) -> None:
    """The line that no point can cross, named, the impossible half shaded, and both axes around the
    points.
    """
    x, y = (_around(rows[name]) for name in ("energy", "energy_y"))
    line = np.array([min(x[0], y[0]), max(x[1], y[1])])
    axis.plot(line, line, color="0.35", lw=1, zorder=1, label=BOUND)
    axis.fill_between(line, line, min(line[0], y[0]), color="0.92", lw=0, zorder=0)
    axis.set(xlim=x, ylim=y, xlabel="E(x)", ylabel="E(x,y)")


def _around(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    edge = 0.05 * (high - low) or 1.0
    return low - edge, high + edge


def _alpha(count: int) -> float:
    """Opacity of a cloud's points, lower for more of them."""
    return float(np.clip(60 / max(count, 1), 0.12, 0.7))
