"""Adversarial images beside the clean ones that they come from: figures 2.3 to 2.8 of An Ju's
thesis.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from robustgen.core.tensors import read_arrays, read_meta
from robustgen.figures.style import BLUE, ORANGE, Picture, panels
from robustgen.tables.bounded import one_data_set
from robustgen.tables.cells import words
from robustgen.tables.table import budget

NEEDS = ("pictures",)
OPTIONS = {
    "shown": {
        "type": "whole number",
        "least": 1,
        "most": 10,
        "default": 4,
        "means": "Images, one per column.",
    }
}
NORMS = {"linf": "$L_\\infty$", "l2": "$L_2$"}


@dataclass(frozen=True)
class Line:
    """One line of the grid."""

    name: str
    images: np.ndarray  # [m,c,h,w] in [0,1]
    classes: list[str]  # predicted; of clean images the true ones
    right: np.ndarray  # bool [m]


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """The clean images, then a line per model and attack."""
    dataset, count = one_data_set(spec), spec["options"].get("shown", 4)
    lines = list(_lines(_arrays(files["pictures"]), list(spec["models"])))
    width = max([1, *(min(count, len(line.images)) for line in lines)])
    figure, axes = panels(max(len(lines), 1), width, size=(0.85, 0.98))
    figure.set_figwidth(0.85 * width + 1.5)  # beside the grid stand the names of its lines
    for axis in axes.flat:
        axis.set_axis_off()
    for row, line in zip(axes, lines, strict=False):
        _draw(row, line)
    caption = (
        f"Top: the first test images of {dataset} with their classes. Below: what each attack "
        "makes of them on each model, with the class that the model then predicts (orange where "
        "it errs; of a randomised model on one draw). The attack is at its largest budget and most "
        "steps. The images are attacked again for this figure. Of several repetitions the first is "
        "shown." + absent
    )
    return Picture(figure, "Adversarial images", caption)


def _arrays(paths: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Model -> the pictures of its first repetition."""
    kept = [(read_meta(path), path) for path in paths if path.endswith(".safetensors")]
    kept.sort(key=lambda pair: int(pair[0]["seed"]), reverse=True)
    return {meta["model"]: read_arrays(path) for meta, path in kept}


def _lines(found: dict[str, dict[str, np.ndarray]], models: list[str]) -> Iterator[Line]:
    there = [(model, found[model]) for model in models if model in found]
    for model, arrays in there:
        names, labels = json.loads(arrays["names"].tobytes()), arrays["labels"]
        if model == there[0][0]:
            yield _line("clean", arrays["images"] / 255, labels, labels, names)
        attacks = json.loads(arrays["attacks"].tobytes())
        for told, images, predicted in zip(
            attacks, arrays["attacked"], arrays["predictions"][1:], strict=True
        ):
            yield _line(f"{model}\n{_said(told)}", images, predicted, labels, names)


def _line(
    name: str, images: np.ndarray, classes: np.ndarray, labels: np.ndarray, names: list[str]
) -> Line:
    return Line(name, images, [names[k] for k in classes], classes == labels)


def _said(told: dict[str, Any]) -> str:
    """An attack with its norm and budget, and in a second line its other settings."""
    eps, norm = told.get("eps"), told["norm"]
    size = budget(eps) if eps and (norm == "linf" or np.isinf(eps)) else f"{eps:g}" if eps else ""
    others = [axis for axis in told if axis not in ("attack", "norm", "eps")]
    first = ", ".join(filter(None, [told["attack"], f"{NORMS[norm]} {size}".strip()]))
    return "\n".join(filter(None, [first, words(told, others)]))


def _draw(row: np.ndarray, line: Line) -> None:
    for axis, image, said, right in zip(row, line.images, line.classes, line.right, strict=False):
        picture = image.transpose(1, 2, 0).squeeze()
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(said, fontsize=6, pad=1.5, color=BLUE if right else ORANGE)
    place: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 6}
    row[0].text(-0.12, 0.5, line.name, transform=row[0].transAxes, **place)
