"""KD+BU (Feinman et al.

2017): kernel density and Bayesian uncertainty, weighed by a logistic regression.

KD is the log-density of an image's features under those of training images of the predicted class;
BU is the variance of the softmax over passes with dropout. Against the review that the paper
quotes: the columns are scaled by the fitting images alone, and only dropout is random when BU is
measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from robustgen.detect import supervised
from robustgen.detect.types import Fitted, Validation
from robustgen.measures.class_density import ClassDensity
from robustgen.measures.types import Columns, Look, PerImage, Reference

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from robustgen.nets.classifier import Classifier

ON = "attack"
UNIT = "image"
LOOKS_AT = ("features", "scores", "dropout")
MEASURED_BY = ("passes",)
OPTIONS = {
    "fit": {"type": "attack", "means": "The attack on which the detector is fitted, for all."},
    "noise": {
        "type": "attack",
        "means": "Noisy images, which the detector is taught to let pass.",
    },
    "passes": {
        "type": "whole number",
        "least": 2,
        "default": 50,
        "means": "Passes with dropout over which uncertainty is taken.",
    },
}
MEASURES = ("kd", "bu")


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One fit for all attacks."""
    return supervised.once(validation, _names(settings), settings=settings)


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """A fit per attack cell, as the review did it."""
    return supervised.each(validation, attacked, _names(settings))


def measure(
    classifier: Classifier,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> PerImage:
    """KD and BU of images, fitted on reference images."""
    density = _density(reference)
    bu = _uncertainty(classifier, density, options, generator)

    def measured(seen: Look, clean: Look) -> Columns:
        del clean
        features, classes = seen["features"], seen["scores"].argmax(dim=1)
        kd = density(features.cpu().numpy().astype(np.float64), classes.cpu().numpy())
        return {"kd": kd, "bu": bu(seen).cpu().numpy()}

    return measured


def columns(
    classifier: Classifier,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Callable[[Look], dict[str, Tensor]]:
    """The columns that `sound` reads, as tensors that can be differentiated."""
    import torch

    density = _density(reference)
    bu = _uncertainty(classifier, density, options, generator)

    def measured(seen: Look) -> dict[str, Tensor]:
        kd = density(seen["features"].double(), seen["scores"].argmax(dim=1), torch)
        return {"kd": kd, "bu": bu(seen)}

    return measured


def _density(reference: Reference) -> ClassDensity:
    looks = [seen["features"].cpu().numpy() for seen in reference.batches()]
    return ClassDensity.fit(np.concatenate(looks), reference.labels, reference.names)


def _uncertainty(
    classifier: Classifier,
    density: ClassDensity,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Callable[[Look], Tensor]:
    """BU of what is seen of images, by the same masks for all of them."""
    from robustgen.measures.uncertainty import dropout_masks, uncertainty

    net: Any = classifier.net
    width = density.groups[0].shape[1]
    masks = dropout_masks(options["passes"], width, p=net.dropout.p, generator=generator)
    return lambda seen: uncertainty(seen["features"], net.linear, masks.to(seen["features"].device))


def _names(settings: dict[str, Any]) -> list[str]:
    return [f"{settings['name']}.{measure}" for measure in MEASURES]
