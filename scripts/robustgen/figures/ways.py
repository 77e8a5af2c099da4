"""The way of images over the steps of their synthesis, by net."""

from __future__ import annotations

from typing import Any

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.figures.synthesized import net_said

NEEDS = ("generated",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "means": "Images whose way is shown, the first ones.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per net; each line is one image from its start to its end."""
    _, arrays = first_runs(files["generated"])
    models = spec["models"]
    figure, axes = panels(1, max(1, len(models)), size=(3.2, 2.2))
    for axis, (model, facts) in zip(axes[0], models.items(), strict=False):
        if model not in arrays:
            blank(axis, f"{model}: no images")
            continue
        show(axis, arrays[model]["way"][0][: spec["options"]["images"]] / 255)
        axis.set_title(net_said(facts), fontsize=8)
    caption = (
        "From left to right: an image at its start, at five moments in equal distances, and after "
        "the last step of its synthesis; each line is one image, the same in every panel." + absent
    )
    return Picture(figure, "The way of images in synthesis", caption)
