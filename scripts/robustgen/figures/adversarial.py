"""Test images and their attacked versions for several models: figures 2.3 to 2.8 of An Ju's
thesis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels

NEEDS = ("adversarials",)
OPTIONS: dict[str, dict[str, object]] = {}
CLEAN = "clean"


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per model: a line of clean images, and one of attacked images per attack."""
    rows, arrays = first_runs(files["adversarials"])
    figure, axes = panels(1, len(spec["models"]), size=(2.5, 2.4))
    for axis, model in zip(axes[0], spec["models"], strict=True):
        if model not in arrays:
            blank(axis, f"{model}: no pictures")
            continue
        _panel(axis, arrays[model], rows[rows["model"] == model])
        axis.set_title(model, fontsize=8)
    caption = (
        "Clean test images and what an attack makes of them, each from one start; below each the "
        "class that is predicted, in brackets where it is still the right one." + absent
    )
    return Picture(figure, "Adversarial images by model", caption)


def _panel(axis: Any, arrays: dict[str, np.ndarray], rows: pd.DataFrame) -> None:
    names = [CLEAN, *dict.fromkeys(rows["attack"])]
    show(axis, np.stack([arrays[name] for name in names]))
    side = arrays[CLEAN].shape[-1] + 1
    axis.set_yticks([side * (line + 0.5) for line in range(len(names))], names, fontsize=6)
    for line, name in enumerate(names[1:], start=1):
        for place, row in enumerate(rows[rows["attack"] == name].itertuples()):
            right = row.prediction == row.label
            text = f"({row.prediction})" if right else f"{row.prediction}"
            at = (side * place + 1, side * (line + 1) - 2)
            axis.text(*at, text, fontsize=6, color="#D55E00", weight="bold")
