"""GAN inversion as a classifier (An Ju 2021, chapter 3): a class's score is how near its generator
comes to the image.

With an encoder among the parts the search starts at its code and is pulled to it: Enc and Enc-D, by
how the encoder was trained. Without one it starts at the best of random codes and is pulled to 0:
Direct.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from robustgen.core.refusal import Refused
from robustgen.inversion.descent import Inversion, Starting
from robustgen.inversion.inverting import Inverting, classifier
from robustgen.inversion.starts import Encoded, Nearest
from robustgen.nets.device import precision
from robustgen.nets.spec import Spec

BOTH = 3  # a forward and a backward pass, in forward passes
PARTS = {"generator": "generator", "distance": "distance", "encoder": "encoder?"}
SHOWS = ("reconstructions", "costs", "priors", "codes")
OPTIONS: dict[str, dict[str, Any]] = {
    "lambda_": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the regulariser, in the search and in the score.",
    },
    "plus": {
        "type": "true or false",
        "default": False,
        "means": "Search further codes, one for each place where the code enters the generator.",
    },
    "pruned": {
        "type": "true or false",
        "default": False,
        "means": "Give up classes that lag behind: half of them after a fifth of the steps, all "
        "but three tenths after half.",
    },
    "steps": {"type": "whole number", "least": 0, "default": 100, "means": "Steps of Adam."},
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "means": "Maximum of the cyclical learning rate.",
    },
    "codes": {
        "type": "whole number",
        "least": 1,
        "default": 300,
        "means": "Random codes among which a search without an encoder starts.",
    },
    "codes_seed": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "means": "Their seed; another one is another run.",
    },
    "at_once": {
        "type": "whole number",
        "least": 1,
        "default": 1000,
        "means": "Pairs of image and class that are searched at a time; bounds the memory.",
    },
    "search": {
        "one_of": ("auto", "bf16", "fp32"),
        "default": "auto",
        "means": "Precision of networks in the search; scores are fp32. auto takes bf16 where it "
        "is faster.",
    },
}
VIEWS = {
    "gradient": {
        "one_of": ("detached", "unrolled"),
        "default": "detached",
        "means": "What an attack differentiates: detached holds the codes found fixed, unrolled "
        "goes through the search.",
    },
    "steps": {"type": "whole number", "least": 0, "default": 100, "means": "Steps of Adam."},
    "temperature": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": "Divides the scores, for attacks whose cross entropy has no gradient where scores "
        "lie far apart.",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}


def passes(options: Mapping[str, Any], classes: int) -> float:
    """Forward passes of the parts that a pass over one image costs."""
    told = {**DEFAULTS, **options}
    return float(classes * (1 + BOTH * told["steps"]))


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: object,
    device: str,
) -> Inverting:
    """The classifier; its parts bring all weights."""
    del net, dtype
    told = {**DEFAULTS, **spec.options}
    generator = parts["generator"]
    if generator.classes != spec.classes:
        raise Refused(
            f"The generator draws {generator.classes} classes and the data set has {spec.classes}."
        )
    search = precision(told["search"], device)
    return classifier(Inversion(generator, parts["distance"], _start(parts, told), search), told)


def _start(parts: Mapping[str, Any], told: Mapping[str, Any]) -> Starting:
    generator, encoder = parts["generator"], parts.get("encoder")
    if encoder is None:
        return Nearest(generator, count=told["codes"], seed=told["codes_seed"])
    if encoder.latent != generator.latent:
        raise Refused(
            f"The encoder gives codes of {encoder.latent} dimensions and the generator takes "
            f"{generator.latent}."
        )
    return Encoded(encoder, generator.classes)
