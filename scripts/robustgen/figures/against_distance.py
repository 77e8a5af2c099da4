"""Accuracy against the distance of the closest adversarial image, for every model."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.stats.nearest import closest, surviving

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
NORMS = {"linf": "$L_\\infty$", "l2": "$L_2$"}
STYLES = ("-", "--", ":")


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per norm, a curve per model."""
    found = closest(read_rows(files["scores"]), spec)
    norms = list(dict.fromkeys(found["norm"])) if len(found) else []
    figure, axes = panels(1, max(1, len(norms)), size=(3.6, 3.0))
    if not norms:
        blank(axes[0, 0], "no rows")
    for axis, norm in zip(axes[0], norms, strict=False):
        mine = found[found["norm"] == norm]
        distances = np.linspace(0, float(mine["most"].max()), 200)
        for place, model in enumerate(spec["models"]):
            part = mine[mine["model"] == model]
            if len(part):
                style = STYLES[place // len(COLOURS) % len(STYLES)]
                colour = COLOURS[place % len(COLOURS)]
                curve = surviving(part, distances)
                axis.plot(distances, curve, style, color=colour, label=model, lw=1.2)
        axis.set(xlabel=f"distance, {NORMS[norm]}", ylabel="accuracy", ylim=(-0.03, 1.03))
    if norms:
        legend(figure, columns=4)
    caption = (
        "Share of test images without an adversarial version within a distance, the closest of all "
        "that the attacks found at several budgets; at distance 0 the accuracy on clean images. An "
        "image counts as fooled where at least half of the fresh draws are wrong." + absent
    )
    return Picture(figure, "Accuracy against distance", caption)
