"""Holes filled, small images enlarged, images found again from features: by net and task."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.figures.synthesized import net_said

NEEDS = ("restored",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 6,
        "means": "Images that are shown, the first ones.",
    },
}
TITLES = ("inpainting", "super-resolution", "from features")


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A line of panels per net, one per task: original, start, result from top to bottom."""
    _, arrays = first_runs(files["restored"])
    models, count = spec["models"], spec["options"]["images"]
    figure, axes = panels(max(1, len(models)), len(TITLES), size=(3.2, 1.9))
    for line, (model, facts) in zip(axes, models.items(), strict=False):
        for task, (axis, title) in enumerate(zip(line, TITLES, strict=True)):
            if model not in arrays:
                blank(axis, f"{model}: no images")
                continue
            found = (arrays[model][name][task][:count] for name in ("images", "starts", "restored"))
            show(axis, np.stack(list(found)) / 255)
            axis.set_title(f"{net_said(facts)}: {title}", fontsize=8)
    caption = (
        "Restoration by one classifier; from top to bottom the original, the start, and the image "
        "after the last step. Inpainting starts at the mean colour in the hole, super-resolution "
        "at blocks of pixels, and the third task at grey noise whose features are brought to those "
        "of the original." + absent
    )
    return Picture(figure, "Images restored by one classifier", caption)
