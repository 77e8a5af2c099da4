"""Input gradients of differently trained nets beside their images: figure 4."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from robustgen.core.tensors import read_arrays, read_meta
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables.gradients import trained

NEEDS = ("gradients",)
OPTIONS = {
    "shown": {
        "type": "whole number",
        "least": 1,
        "most": 10,
        "default": 4,
        "means": "Images of each data set.",
    }
}
SHOWN = 4
PERCENTILE = 99.0


@dataclass(frozen=True)
class Seen:
    """The pictures of one model."""

    images: np.ndarray  # uint8 [m,c,h,w]
    gradients: np.ndarray  # float32 [m,c,h,w]
    titles: list[str]  # the class of each image


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A block of `options.shown` lines per data set: the image, then its gradient in every model of
    that data set.
    """
    seen, shown = _seen(files["gradients"]), spec["options"].get("shown", SHOWN)
    blocks: dict[str, list[str]] = {}
    for model, facts in spec["models"].items():
        blocks.setdefault(facts["dataset"], []).append(model)
    width = 1 + max(map(len, blocks.values()))
    figure, axes = panels(shown * len(blocks), width, size=(1.5, 1.5))
    for axis in axes.flat:
        blank(axis, "")
    for number, (dataset, models) in enumerate(blocks.items()):
        lines = axes[shown * number : shown * (number + 1)]
        _inputs(
            lines[:, 0], dataset, next((seen[model] for model in models if model in seen), None)
        )
        for column, model in enumerate(models, start=1):
            _gradients(lines[:, column], _heading(model, spec["models"][model]), seen.get(model))
    caption = (
        "Left: test images. Right of each: the gradient of the net's cross entropy in the pixels, "
        "that is where and how "
        "brightness would have to change to raise the loss. Mid-grey is zero; each gradient is "
        "scaled by the "
        f"{PERCENTILE:g}th percentile of its own absolute values, so that pictures tell the "
        "pattern and not the size. "
        "Headings: the net and how it was trained, with the radius in pixel values where attacked "
        "images were used. "
        "Of several repetitions the first is shown."
    )
    return Picture(figure, "Input gradients of differently trained nets", caption + absent)


def _seen(paths: list[str]) -> dict[str, Seen]:
    """The pictures of each model's first repetition."""
    found: dict[str, Seen] = {}
    kept = [(read_meta(path), path) for path in paths if path.endswith(".safetensors")]
    for meta, path in sorted(kept, key=lambda pair: int(pair[0]["seed"]), reverse=True):
        arrays = read_arrays(path)
        names = json.loads(arrays["names"].tobytes())
        found[meta["model"]] = Seen(
            arrays["images"], arrays["gradients"], [names[k] for k in arrays["labels"]]
        )
    return found


def _heading(model: str, facts: dict[str, Any]) -> str:
    """A net's name, and how it was trained where the name does not say it."""
    name, how = model.removeprefix(f"{facts['dataset']}_"), trained(facts["objective"])
    how = "" if how == name else how.replace("L_inf", "$L_\\infty$").replace("L_2", "$L_2$")
    return f"{name} net\n{how}"


def _inputs(line: np.ndarray, dataset: str, seen: Seen | None) -> None:
    line[0].set_title(f"{dataset}\ninput", fontsize=8)
    if seen is None:
        return
    for axis, image, title in zip(line, seen.images, seen.titles, strict=False):
        _show(axis, image / 255)
        axis.text(
            -0.06,
            0.5,
            title,
            transform=axis.transAxes,
            rotation=90,
            ha="right",
            va="center",
            fontsize=8,
        )


def _gradients(line: np.ndarray, heading: str, seen: Seen | None) -> None:
    line[0].set_title(heading, fontsize=8)
    if seen is None:
        blank(line[0], "no gradients")
        return
    for axis, gradient in zip(line, seen.gradients, strict=False):
        if gradient.any():
            _show(axis, 0.5 + 0.5 * _scaled(gradient))
        else:
            blank(axis, "zero in\nevery pixel")


def _show(axis: Any, image: np.ndarray) -> None:
    """An image [c,h,w] in [0,1]."""
    axis.imshow(
        image.transpose(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
    )


def _scaled(gradient: np.ndarray) -> np.ndarray:
    """The gradient in units of its own percentile, cut at -1 and 1; where most of it is zero, of
    its largest value.
    """
    size = np.abs(gradient.astype(np.float64))
    unit = np.percentile(size, PERCENTILE) or size.max()
    scaled: np.ndarray = np.clip(gradient / unit, -1, 1)
    return scaled
