"""Reliability of each net: how often its predictions are right, by the confidence with which it
makes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, ORANGE, Picture, blank, panels
from robustgen.stats import calibration, intervals

NEEDS = ("clean",)
OPTIONS = {
    "bins": {
        "type": "whole number",
        "least": 1,
        "default": 15,
        "means": "Bins of equal width of the confidence.",
    }
}
COLUMNS = 4  # panels side by side


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model two panels on clean test images: accuracy per bin of confidence, and below it how
    many images a bin holds.
    """
    scores, bins = (
        cells.test_rows(read_rows(files["clean"])),
        spec["options"].get("bins", calibration.BINS),
    )
    models = list(spec["models"])
    columns = min(len(models), COLUMNS)
    lines = -(-len(models) // columns)
    figure, axes = panels(2 * lines, columns, size=(2.6, 1.65), height_ratios=[3, 1] * lines)
    pairs = [
        (upper, lower)
        for line in range(lines)
        for upper, lower in zip(*axes[2 * line : 2 * line + 2], strict=True)
    ]
    for place, (upper, lower) in enumerate(pairs):
        model = models[place] if place < len(models) else ""
        rows = cells.clean(scores, model)
        if rows.empty:
            blank(upper, f"{model}: no rows" if model else "")
            blank(lower, "")
            continue
        _panels(upper, lower, rows, bins, first=place % columns == 0)
    caption = (
        f"Clean test images in {bins} bins of the confidence of the prediction. Blue: share that "
        "is predicted rightly. "
        "Hatched: the gap between it and the mean confidence; where blue ends below the dotted "
        "diagonal a net is surer than it "
        "should be, above it less sure. Grey: images that a bin holds, on a logarithmic scale; a "
        "gap in a bin of few images is "
        "mostly chance and weighs little. ECE: mean gap, weighted by images; 95 % interval in "
        "brackets." + absent
    )
    return Picture(figure, "Calibration on clean images", caption)


def _panels(upper: Any, lower: Any, rows: pd.DataFrame, bins: int, *, first: bool) -> None:
    confidence, correct = calibration.confidence_of(rows), 1 - rows["success"].to_numpy(float)
    _bars(upper, lower, calibration.reliability(confidence, correct, bins))
    upper.set_title(
        f"{cells.heading(rows['dataset'].iloc[0], rows['model'].iloc[0])}\n{_ece(rows, bins)}"
    )
    lower.set_xlabel("confidence")
    upper.tick_params(labelbottom=False)
    if first:
        upper.set_ylabel("accuracy")
        lower.set_ylabel("images")


def _bars(upper: Any, lower: Any, found: calibration.Reliability) -> None:
    """Above a bar per bin that holds images, and from its top the gap to the mean confidence; below
    the count.
    """
    held, width = found.n > 0, 1 / len(found.n)
    n, confidence, accuracy = (values[held] for values in found)
    places: dict[str, Any] = {"x": np.flatnonzero(held) * width, "width": width, "align": "edge"}
    upper.bar(**places, height=accuracy, color=BLUE, alpha=0.7, lw=0.5, edgecolor="white")
    gap = {"hatch": "//////", "facecolor": (1, 1, 1, 0.35), "edgecolor": ORANGE, "lw": 0.6}
    upper.bar(**places, height=confidence - accuracy, bottom=accuracy, **gap)
    upper.plot([0, 1], [0, 1], color="black", ls=":", lw=1)
    upper.set(xlim=(0, 1), ylim=(0, 1))
    lower.bar(**places, height=n, color="0.6", lw=0)
    lower.set_yscale("log")
    lower.set(xlim=(0, 1), ylim=(0.7, 2 * n.sum()))


def _ece(rows: pd.DataFrame, bins: int) -> str:
    parts = [part for _, part in rows.groupby("seed")]
    found, _ = intervals.over_seeds(
        [
            calibration.ece(
                calibration.confidence_of(part), 1 - part["success"].to_numpy(float), bins
            )
            for part in parts
        ]
    )
    return f"ECE {found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
