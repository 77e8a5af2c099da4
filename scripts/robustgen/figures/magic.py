"""Images that follow a target mask, by each net's gradients, beside their sources and masks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.figures.synthesized import net_said

NEEDS = ("magic",)
OPTIONS = {
    "sources": {
        "type": "whole number",
        "least": 1,
        "default": 3,
        "means": "Sources that are shown, one below the other.",
    },
    "each": {
        "type": "whole number",
        "least": 1,
        "default": 2,
        "means": "Images of each source, from different starts.",
    },
}
SAID = {"shape": "shape of another", "position": "own shape, moved", "copy": "both places"}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A line of panels per net, one for each kind of target: of each source the image, its mask,
    the target and what became of a few starts.
    """
    _, arrays = first_runs(files["magic"])
    models = {model: facts for model, facts in spec["models"].items() if model in arrays}
    modes = _modes(arrays, models)
    lines = max(1, len(spec["models"]))
    figure, axes = panels(lines, max(1, len(modes)), size=(3.2, 0.5 + 0.62 * _sources(spec)))
    for line, (model, facts) in zip(axes, spec["models"].items(), strict=False):
        for axis, mode in zip(line, modes or [""], strict=True):
            if model not in arrays or mode not in _named(arrays[model], "modes"):
                blank(axis, f"{model}: no images")
                continue
            show(axis, grid(arrays[model], mode, spec["options"]))
            axis.set_title(f"{net_said(facts)}: {SAID[mode]}", fontsize=8)
    caption = (
        "From left to right in each panel: the source image, the mask of its object, the target "
        "mask, and images that the net's gradients made from noise to look like the source and "
        "to follow the target. Starts are the same for every net." + absent
    )
    return Picture(figure, "Images that follow a mask (MAGIC)", caption)


def grid(found: dict[str, np.ndarray], mode: str, options: dict[str, Any]) -> np.ndarray:
    """Images [m,3 + each,c,h,w] in [0,1] of one kind of target."""
    place, shown = _named(found, "modes").index(mode), slice(options["sources"])
    images = found["images"][shown, None] / 255
    masks = np.stack([found["masks"][shown], found["targets"][place, shown]], axis=1)
    masks = np.broadcast_to(masks[:, :, None], (len(images), 2, *images.shape[2:]))
    results = found["results"][place, shown, : options["each"]] / 255
    return np.concatenate([images, masks, results], axis=1)


def _modes(arrays: dict[str, dict[str, np.ndarray]], models: dict[str, Any]) -> list[str]:
    """The kinds of target that any of the models has, in order."""
    return list(dict.fromkeys(mode for model in models for mode in _named(arrays[model], "modes")))


def _named(found: dict[str, np.ndarray], name: str) -> list[str]:
    names: list[str] = json.loads(found[name].tobytes())
    return names


def _sources(spec: dict[str, Any]) -> int:
    return int(spec["options"]["sources"])
