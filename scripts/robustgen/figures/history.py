"""How training went: loss, and accuracy on training and validation images, by epoch."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.figures.style import BLUE, COLOURS, GREEN, ORANGE, Picture, blank, panels

NEEDS = ("history",)
OPTIONS: dict[str, dict[str, object]] = {}
SCORE = "score"  # the metric by which the best state is kept
LINES = {  # metric -> (label, colour)
    "train_accuracy": ("train", "0.5"),
    "validation_accuracy": ("validation", BLUE),
    "judged_accuracy": ("validation, judged", ORANGE),
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model two panels: losses above, accuracies or the score below, a line per repetition."""
    models = list(spec["models"])
    figure, axes = panels(2, len(models), sharex="col")
    for (upper, lower), model in zip(axes.T, models, strict=True):
        histories = [
            pd.read_csv(path) for path in files["history"] if Path(path).parts[-3] == model
        ]
        # none is there, or the weights are the user's own
        if not any(len(history) for history in histories):
            blank(upper, f"{model}: no history")
            blank(lower, "")
            continue
        _losses(upper, histories)
        _metrics(lower, histories)
        upper.set_title(model)
    caption = (
        "Above: training losses. Below: accuracy on training images as the recipe shows them "
        "(attacked where training is adversarial), on clean validation images, and on attacked "
        "ones, which choose the checkpoint of robust nets; of what is no classifier the score that "
        "chooses it."
    )
    return Picture(figure, "Training", caption + absent)


def _losses(axis: Any, histories: list[pd.DataFrame]) -> None:
    names = [name for name in histories[0] if "loss" in name]
    colours = cycle((GREEN, *COLOURS))
    for name, colour in zip(names, colours, strict=False):
        _lines(axis, histories, name, label=name, color=colour)
    axis.set_ylabel("loss")
    if len(names) > 1:
        axis.legend(fontsize=7)
    else:
        axis.set_ylim(bottom=0)


def _metrics(axis: Any, histories: list[pd.DataFrame]) -> None:
    """Accuracies, that by which states are judged where it is another one; else the score."""
    first = histories[0]
    names = [name for name in LINES if name in first]
    if len(names) == len(LINES) and first[names[-1]].equals(first[names[-2]]):
        names = names[:-1]
    for name in names:
        label, colour = LINES[name]
        _lines(axis, histories, name, label=label, color=colour)
    if names:
        axis.set_ylim(0, 1.02)
    elif SCORE in first:
        _lines(axis, histories, SCORE, label=SCORE, color=BLUE)
    axis.set_ylabel("accuracy" if names else SCORE)
    axis.set_xlabel("epoch")
    axis.legend(fontsize=7)


def _lines(axis: Any, histories: list[pd.DataFrame], name: str, *, label: str, **look: Any) -> None:
    """One metric by epoch, a line per repetition and one name for all."""
    for number, history in enumerate(histories):
        named = None if number else label
        axis.plot(history["epoch"], history[name], label=named, marker=".", **look)
    axis.xaxis.get_major_locator().set_params(integer=True)
