"""How training went: loss, and accuracy on training and validation images, by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.figures.style import BLUE, GREEN, ORANGE, Picture, blank, panels

NEEDS = ("history",)
OPTIONS: dict[str, dict[str, object]] = {}
LINES = {"train_accuracy": ("train", "0.5"), "validation_accuracy": ("validation", BLUE)}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model two panels: the loss above, accuracies below, one line per repetition."""
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
        _panels(upper, lower, model, histories, spec["models"][model]["objective"]["kind"])
    caption = (
        "Above: training loss. Below: accuracy on training images as the recipe shows them "
        "(attacked where training is "
        "adversarial), on clean validation images, and on attacked ones, which choose the "
        "checkpoint of robust nets."
    )
    return Picture(figure, "Training", caption + absent)


def _panels(
    upper: Any, lower: Any, model: str, histories: list[pd.DataFrame], objective: str
) -> None:
    judged = {"judged_accuracy": ("validation, judged", ORANGE)} if objective != "standard" else {}
    for number, history in enumerate(histories):
        upper.plot(history["epoch"], history["loss"], color=GREEN)
        for column, (name, colour) in {**LINES, **judged}.items():
            lower.plot(
                history["epoch"],
                history[column],
                color=colour,
                marker=".",
                label=None if number else name,
            )
    upper.set_title(model)
    upper.set_ylabel("loss")
    upper.set_ylim(bottom=0)
    lower.set_ylim(0, 1.02)
    lower.set_ylabel("accuracy")
    lower.set_xlabel("epoch")
    lower.legend(fontsize=7)
