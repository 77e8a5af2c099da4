"""Whatever a training noted by epoch: one panel per metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.figures.style import COLOURS, Picture, blank, panels

NEEDS = ("history",)
OPTIONS = {
    "without": {
        "several": True,
        "default": ["lr"],
        "means": "Columns of the history that are not drawn.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A row of panels per model, a line per repetition."""
    left_out = {"epoch", *spec["options"]["without"]}
    histories = {model: _read(files["history"], model) for model in spec["models"]}
    metrics = {
        model: [
            name for name in dict.fromkeys(n for one in found for n in one) if name not in left_out
        ]
        for model, found in histories.items()
    }
    across = max([1, *map(len, metrics.values())])
    figure, axes = panels(max(1, len(histories)), across, size=(2.1, 1.8))
    for line, (model, found) in zip(axes, histories.items(), strict=False):
        for axis, name in zip(line, [*metrics[model], *[None] * across], strict=False):
            if name is None:
                blank(axis, "")
                continue
            for number, history in enumerate(one for one in found if name in one):
                colour = COLOURS[number % len(COLOURS)]
                axis.plot(history["epoch"], history[name], color=colour, marker=".", markersize=3)
            axis.set_title(name.replace("_", " "), fontsize=7)
            axis.tick_params(labelsize=6)
            axis.xaxis.get_major_locator().set_params(integer=True)
        line[0].set_ylabel(model, fontsize=7)
    caption = "Each metric of the training by epoch, a line per repetition." + absent
    return Picture(figure, "Metrics of training", caption)


def _read(paths: list[str], model: str) -> list[pd.DataFrame]:
    return [pd.read_csv(path) for path in paths if Path(path).parts[-3] == model]
