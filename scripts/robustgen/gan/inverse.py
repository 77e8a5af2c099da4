"""Training of an encoder E that inverts a generator G (An Ju 2021, eq. 3.3 to 3.5): E minimises the
distance of G(E(x), y) from x, with the true class y, and deceives an adversary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from robustgen.core.refusal import Refused
from robustgen.gan.encoder import ResNet
from robustgen.gan.encoder_steps import Inverting
from robustgen.training.types import Data, Recipe, Seed

PARTS = {"generator": "generator", "distance": "distance"}
OPTIONS: dict[str, dict[str, Any]] = {
    "adversary": {
        "one_of": ("image", "latent"),
        "default": "latent",
        "means": "What E deceives: the discriminator of images (Enc), or one of codes (Enc-D).",
    },
    "weight": {
        "type": "number",
        "least": 0,
        "default": None,
        "means": "Weight of the adversary beside the distance, which is divided by its typical "
        "value; 0.1 for images and 1 for codes where empty.",
    },
    "fixed": {
        "type": "number",
        "least": 0,
        "most": 1,
        "default": 0.3333,
        "only": {"adversary": ("image",)},
        "means": "Share of the epochs, the first ones, in which the discriminator of images does "
        "not learn.",
    },
    "hidden": {
        "type": "whole number",
        "least": 1,
        "default": 512,
        "only": {"adversary": ("latent",)},
        "means": "Units of the two hidden layers of the discriminator of codes.",
    },
    "batch": {"type": "whole number", "least": 2, "default": 64, "means": "Images per step."},
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.0002,
        "means": "Learning rate of Adam, of encoder and adversary.",
    },
    "decay": {
        "type": "true or false",
        "default": False,
        "means": "Whether the learning rate falls linearly to zero.",
    },
    "beta1": {"type": "number", "least": 0, "below": 1, "default": 0.5, "means": "Adam's beta 1."},
    "beta2": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.999,
        "means": "Adam's beta 2.",
    },
    "flip": {
        "type": "true or false",
        "default": True,
        "means": "Whether training images are mirrored at random; not for signs or digits.",
    },
}


def trainer(
    model: nn.Module,
    *,
    recipe: Recipe,
    data: Data,
    seed: Seed,
    dtype: torch.dtype,
    parts: Mapping[str, Any],
) -> Inverting:
    """The trainer of a model of kind encoder."""
    encoder, generator = cast(nn.Sequential, model)[-1], parts["generator"]
    if not isinstance(encoder, ResNet):
        raise Refused("Trainer inverse trains models of kind encoder alone.")
    if encoder.latent != generator.latent:
        raise Refused(
            f"The encoder's `latent` is {encoder.latent}, its generator's {generator.latent}; make "
            "them the same."
        )
    return Inverting(model, encoder, recipe, data, seed, dtype, generator, parts["distance"])
