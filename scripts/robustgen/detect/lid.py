"""LID (Ma et al.

2018): local intrinsic dimensionality of each layer's activations, weighed by a logistic regression.

Two batches of clean images are compared with. The sound protocol takes `lid_i`, among one fixed
batch of training images; the paper's takes `lid_twin_i`, among the clean versions of the very
images that are judged, less the nearest, as the literature evaluates it, which no detector in use
could do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from robustgen.detect import supervised
from robustgen.detect.types import Fitted, Validation
from robustgen.measures.types import Columns, Look, PerImage, Reference

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from robustgen.nets.classifier import Classifier

ON = "attack"
UNIT = "image"
LOOKS_AT = ("layers",)
MEASURED_BY = ("k", "batch")
OPTIONS = {
    "fit": {"type": "attack", "means": "The attack on which the detector is fitted, for all."},
    "noise": {
        "type": "attack",
        "means": "Noisy images, which the detector is taught to let pass.",
    },
    "k": {
        "type": "whole number",
        "least": 2,
        "most": 199,
        "default": 20,
        "below_option": ("batch", "the nearest neighbour is dropped"),
        "below_each": ("validation", "test"),
        "means": "Neighbours among clean images to which distances are taken.",
    },
    "batch": {
        "type": "whole number",
        "least": 3,
        "default": 100,
        "up_to": ("reference",),
        "means": "Clean images among which neighbours are looked for.",
    },
}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One fit for all attacks, on distances to training images."""
    names = _names(validation.clean, settings, r"lid_\d+")
    return supervised.once(validation, names, settings=settings)


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """A fit per attack cell, on distances to the clean versions."""
    names = _names(validation.clean, settings, r"lid_twin_\d+")
    return supervised.each(validation, attacked, names)


def measure(
    classifier: Classifier,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> PerImage:
    """LID of each layer, among training images and among the clean versions."""
    from robustgen.measures.lid import lid_by_batches

    fixed = columns(classifier, reference, options=options, generator=generator)
    k, batch = options["k"], options["batch"]

    def measured(seen: Look, clean: Look) -> Columns:
        found = fixed(seen)
        for layer, (x, twins) in enumerate(zip(seen["layers"], clean["layers"], strict=True)):
            found[f"lid_twin_{layer}"] = lid_by_batches(x, twins, k=k, batch=batch)
        return {name: value.cpu().numpy() for name, value in found.items()}

    return measured


def columns(
    classifier: Classifier,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Callable[[Look], dict[str, Tensor]]:
    """The columns that `sound` reads, as tensors that can be differentiated."""
    from robustgen.measures.lid import lid

    del classifier, generator
    known: list[Tensor] = reference.first(options["batch"])["layers"]
    return lambda seen: {
        f"lid_{layer}": lid(x, clean, k=options["k"])
        for layer, (x, clean) in enumerate(zip(seen["layers"], known, strict=True))
    }


def _names(rows: pd.DataFrame, settings: dict[str, Any], pattern: str) -> list[str]:
    """The columns of all layers."""
    wanted = re.compile(rf"{re.escape(settings['name'])}\.{pattern}")
    return [str(name) for name in rows if wanted.fullmatch(str(name))]
