"""Training of a generator against its discriminator by the hinge loss, both by Adam, with a moving
average of the generator that is judged and kept (An Ju 2021, chapter 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from robustgen.core.refusal import Refused
from robustgen.gan.pair import Pair
from robustgen.gan.two_players import Players
from robustgen.training.types import Data, Recipe, Seed

PARTS = {"features": "feature net"}
OPTIONS: dict[str, dict[str, Any]] = {
    "batch": {
        "type": "whole number",
        "least": 2,
        "default": 64,
        "means": "Real images, and as many samples, per step of the discriminator.",
    },
    "generator_batch": {
        "type": "whole number",
        "least": 2,
        "default": 128,
        "means": "Samples per step of the generator.",
    },
    "n_dis": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Steps of the discriminator per step of the generator.",
    },
    "steps_per_epoch": {
        "type": "whole number",
        "least": 1,
        "default": None,
        "means": "Steps of the generator per epoch; as many as show each training image once to "
        "the discriminator where empty.",
    },
    "generator_lr": {
        "type": "number",
        "above": 0,
        "default": 0.0002,
        "means": "Learning rate of the generator.",
    },
    "discriminator_lr": {
        "type": "number",
        "above": 0,
        "default": 0.0002,
        "means": "Learning rate of the discriminator.",
    },
    "beta1": {"type": "number", "least": 0, "below": 1, "default": 0.0, "means": "Adam's beta 1."},
    "beta2": {"type": "number", "least": 0, "below": 1, "default": 0.9, "means": "Adam's beta 2."},
    "decay": {
        "type": "true or false",
        "default": True,
        "means": "Whether the learning rates fall linearly to zero.",
    },
    "ema": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.9999,
        "means": "Decay of the moving average of the generator's parameters.",
    },
    "ema_start": {
        "type": "whole number",
        "least": 0,
        "default": 1000,
        "means": "Steps of the generator before which the average is the generator itself.",
    },
    "policy": {
        "one_of": ("none", "colour", "translation", "cutout"),
        "several": True,
        "default": ("translation", "cutout"),
        "means": "Changes of DiffAugment to all images that the discriminator sees, or [none].",
    },
    "flip": {
        "type": "true or false",
        "default": True,
        "means": "Whether training images are mirrored at random; not for signs or digits.",
    },
    "noise": {
        "type": "true or false",
        "default": True,
        "means": "Whether uniform noise of one grey level is added to training images.",
    },
    "judged": {
        "type": "whole number",
        "least": 2,
        "default": 5000,
        "means": "Samples, and validation images if there are so many, of each epoch's FID.",
    },
    "patience": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Epochs in turn with an FID above twice the best that end training.",
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
) -> Players:
    """The trainer of a model of kind cgan or biggan."""
    pair = cast(nn.Sequential, model)[-1]
    if not isinstance(pair, Pair) or pair.discriminator is None:
        raise Refused(
            "Trainer adversarial_pair trains generators with a discriminator alone, models of kind "
            "cgan or biggan."
        )
    return Players(model, pair, recipe, data, seed, dtype, parts["features"])
