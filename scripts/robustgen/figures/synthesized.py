"""Images that each net's gradients make: the reader sees which net is generative."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables.gradients import trained

NEEDS = ("generated",)
OPTIONS = {
    "each": {
        "type": "whole number",
        "least": 1,
        "default": 2,
        "means": "Images of each class that are shown.",
    },
    "classes": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Classes that are shown, the first ones.",
    },
}
TITLES = ("from draws of a normal law", "from images of other classes")


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per net a panel for each task: a line of starts above lines of what became of them, one
    class per column.
    """
    _, arrays = first_runs(files["generated"])
    options, models = spec["options"], spec["models"]
    figure, axes = panels(max(1, len(models)), 2, size=(4.4, 1.6))
    for line, (model, facts) in zip(axes, models.items(), strict=False):
        if model not in arrays:
            blank(line[0], f"{model}: no images")
            blank(line[1], "")
            continue
        for task, (axis, title) in enumerate(zip(line, TITLES, strict=True)):
            show(axis, _grid(arrays[model], task, options["each"], options["classes"]))
            axis.set_title(f"{net_said(facts)}: {title}", fontsize=8)
    caption = (
        "Synthesis by one classifier. Upper lines: the starts, the same for every net. Lower "
        "lines: images after the last step towards the class of their column. Left: starts are "
        "draws of each class's normal law; right: test images of other classes." + absent
    )
    return Picture(figure, "Synthesis by one classifier", caption)


def net_said(facts: dict[str, Any]) -> str:
    """How the net of a synthesizer was trained."""
    return trained(facts["part_objectives"].get("net", facts["objective"]))


def _grid(found: dict[str, np.ndarray], task: int, each: int, classes: int) -> np.ndarray:
    """Images [1 + each, columns,c,h,w]: the first start of each class, and what was made."""
    columns = []
    for k in sorted(set(found["labels"].tolist()))[:classes]:
        places = np.flatnonzero(found["labels"] == k)[:each]
        made = found["made"][task][np.resize(places, each)]
        columns.append(np.concatenate([found["starts"][task][places[:1]], made]))
    return np.stack(columns, axis=1) / 255
