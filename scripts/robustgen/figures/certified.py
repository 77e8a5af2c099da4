"""Certified accuracy of randomized smoothing against the L2 radius."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.figures.style import Picture, panels
from robustgen.tables.certified import certificates, certified
from robustgen.tables.published_smoothing import said_of

NEEDS = ("clean", "certificate")
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One curve per model: the share of test images whose right class is certified at a radius."""
    found = certificates(files)
    figure, axes = panels(1, 1, size=(4.6, 3.0))
    axis = axes[0, 0]
    radii = np.linspace(0, found["radius"].max() * 1.05 or 1, 200)
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        if len(mine):
            shares = [certified(mine, radius).mean() for radius in radii]
            axis.plot(radii, shares, label=f"{model} ({said_of(facts)})")
    axis.set(xlabel="L2 radius", ylabel="certified accuracy", ylim=(-0.03, 1.03))
    axis.legend(fontsize=7)
    caption = (
        "Share of test images whose right class is certified in the L2 ball of a radius (in units "
        "of pixel values), by randomized smoothing. Each curve ends at the largest radius that so "
        "many draws can certify." + absent
    )
    return Picture(figure, "Certified accuracy of randomized smoothing", caption)
