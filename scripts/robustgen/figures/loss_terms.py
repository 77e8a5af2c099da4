"""How autoencoders of chapter 2 trained: the terms of their losses by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.figures.style import COLOURS, Picture, blank, panels

NEEDS = ("history",)
OPTIONS: dict[str, dict[str, object]] = {}
ERRORS = {"reconstruction": "training", "validation_reconstruction": "validation"}
TERMS = {
    "prior": "prior, training",
    "validation_prior": "prior, validation",
    "discrimination": "discrimination",
    "deception": "discriminator's loss",
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model three panels: squared error, the other terms, accuracy by the encoder alone."""
    models = list(spec["models"])
    figure, axes = panels(3, len(models), size=(2.9, 1.9), sharex="col")
    for column, model in zip(axes.T, models, strict=True):
        histories = [
            pd.read_csv(path) for path in files["history"] if Path(path).parts[-3] == model
        ]
        if not any("reconstruction" in history for history in histories):
            blank(column[0], f"{model}: no history of an autoencoder")
            blank(column[1], "")
            blank(column[2], "")
            continue
        _lines(column[0], histories, ERRORS)
        _lines(column[1], histories, TERMS)
        _lines(column[2], histories, {"encoder_accuracy": "validation"})
        column[0].set(title=model, ylabel="$\\|x - G_y(z)\\|^2$", yscale="log")
        column[1].set(ylabel="other terms")
        column[2].set(ylabel="encoder's accuracy", xlabel="epoch", ylim=(0, 1.02))
    caption = (
        "Means per image of the terms of eq. 2.5, not weighted: squared error of the true class's "
        "reconstruction, of noisy training images and of clean validation images; the prior "
        "(-log D(z), or the KL divergence where there is no discriminator), the loss that tells "
        "classes apart, and the latent discriminator's own loss. Below: validation images whose "
        "true class explains them best by the encoder's latents, without inference."
    )
    return Picture(figure, "Training of autoencoders", caption + absent)


def _lines(axis: Any, histories: list[pd.DataFrame], names: dict[str, str]) -> None:
    """Metrics by epoch, a line per repetition and one name for all."""
    for (name, label), colour in zip(names.items(), COLOURS, strict=False):
        for number, history in enumerate(one for one in histories if name in one):
            named = None if number else label
            axis.plot(history["epoch"], history[name], color=colour, marker=".", label=named)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(fontsize=6)
