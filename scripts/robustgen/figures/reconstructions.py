"""Test images and their reconstructions by every class: figures 3.6, 3.7, 3.11 and 3.12 of An Ju's
thesis.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from robustgen.figures.autoencoding import FRAME, first_runs, framed
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables.published_inversion import method

NEEDS = ("inversions",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "means": "Images of a panel, of different classes as far as they go.",
    },
    "lambda_": {
        "type": "number",
        "least": 0,
        "default": 0.1,
        "means": "Weight of the regulariser whose cells are shown.",
    },
    "steps": {
        "type": "whole number",
        "several": True,
        "least": 0,
        "default": [],
        "means": "Numbers of steps that are shown; all where left out.",
    },
    "plus": {
        "one_of": ("both", "without", "with"),
        "default": "both",
        "means": "Whether variants with further codes are shown.",
    },
}
SHOWN = {"both": (False, True), "without": (False,), "with": (True,)}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model and setting: the image, then its reconstruction by each class."""
    rows, arrays = first_runs(files["inversions"])
    chosen = [
        (model, number, cell)
        for model, found in arrays.items()
        for number, cell in enumerate(json.loads(found["cells"].tobytes()))
        if model in spec["models"] and _shown(cell, spec["options"])
    ]
    across = 2 if len(chosen) > 1 else 1
    figure, axes = panels(max(1, -(-len(chosen) // across)), across, size=(4.6, 2.1))
    for axis, one in zip(axes.flat, [*chosen, *[None] * axes.size], strict=False):
        if one is None:
            blank(axis, "" if chosen else "no inversions with these options")
            continue
        model, number, cell = one
        totals = rows[rows["model"] == model]
        for name, value in cell.items():
            totals = totals[totals[name] == value]
        _panel(axis, arrays[model], number, totals, spec["options"]["images"])
        name = method(spec["models"][model]["family"], plus=cell["plus"])
        facts = f"{spec['models'][model]['dataset']}, lambda {cell['lambda_']:g}"
        axis.set_title(f"{name} ({facts}, {said(cell['steps'])})", fontsize=8)
    caption = (
        "First column: test images; then their reconstructions by each class. The true class is "
        "framed; a dot marks the class whose objective is least, which is the decision." + absent
    )
    return Picture(figure, "Reconstructions by every class", caption)


def said(steps: int) -> str:
    """`1 step`, `15 steps`."""
    return f"{steps} step{'s' * (steps != 1)}"


def _shown(cell: dict[str, Any], options: dict[str, Any]) -> bool:
    steps = options["steps"]
    wanted = cell["plus"] in SHOWN[options["plus"]] and cell["lambda_"] == options["lambda_"]
    return bool(wanted and (not steps or cell["steps"] in steps))


def _panel(axis: Any, found: dict[str, np.ndarray], number: int, rows: Any, count: int) -> None:
    labels = found["labels"]
    chosen = _different(labels)[:count]
    images, drawn = (found[name] / 255 for name in ("images", "reconstructions"))
    show(axis, np.concatenate([images[chosen][:, None], drawn[number][chosen]], axis=1))
    totals = rows.pivot(index="index", columns="class", values="total").loc[found["index"]]
    best, side = totals.to_numpy().argmin(axis=1), images.shape[-1] + 1
    for line, place in enumerate(chosen):
        framed(axis, line, int(labels[place]) + 1, side)
        axis.plot(side * (best[place] + 1) + 3, side * line + 3, "o", ms=2.5, color=FRAME)


def _different(labels: np.ndarray) -> np.ndarray:
    """The places of images, one class after the other."""
    rank = np.array([(labels[:place] == label).sum() for place, label in enumerate(labels)])
    return np.lexsort((labels, rank))
