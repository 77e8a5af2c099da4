"""The cGAN of chapter 3: a generator with self-modulation against a projection discriminator
(Miyato & Koyama 2018; Chen et al. 2019). Defaults are those of the thesis for CIFAR-10.

Images are taken in [0,1], whatever mean and std say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from robustgen.gan.pair import Pair, doublings, paired, several
from robustgen.gan.projection import Projection
from robustgen.gan.ready_generator import Ready
from robustgen.gan.self_modulated import Generator
from robustgen.nets.spec import Spec

GIVES = "generator"
PARTS = {"features": "feature net"}
OPTIONS: dict[str, dict[str, Any]] = {
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 256,
        "means": "Channels of the generator.",
    },
    "discriminator_width": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Channels of the discriminator.",
    },
    "latent": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Dimensions of the code.",
    },
    "hidden": {
        "type": "whole number",
        "least": 1,
        "default": 32,
        "means": "Hidden units from which a norm's gain and bias are computed.",
    },
    "embedding": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Dimensions of a class in the generator.",
    },
    "snapshots": {
        "type": "whole number",
        "least": 0,
        "default": 5,
        "means": "Moments of training of which samples are kept.",
    },
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "means": "Samples of each class that are kept at such a moment.",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}
BLOCKS = (2, 4)  # fewest and most of a generator, for 16 to 64 pixels


def build(*, channels: int, classes: int, size: int, **options: Any) -> Pair:
    """The two networks, untrained, for images of 16, 32 or 64 pixels."""
    told = {**DEFAULTS, **options}
    several(classes)
    blocks = doublings(size, least=BLOCKS[0], most=BLOCKS[1])
    generator = Generator(
        channels=channels,
        classes=classes,
        width=told["width"],
        latent=told["latent"],
        hidden=told["hidden"],
        embedding=told["embedding"],
        blocks=blocks,
    )
    discriminator = Projection(
        channels=channels,
        classes=classes,
        width=told["discriminator_width"],
        downs=max(2, blocks - 1),
    )
    return paired(generator, discriminator, told, channels=channels, classes=classes, size=size)


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Ready:
    """The generator for inference."""
    return Ready.of(net, parts["features"], spec=spec, dtype=dtype, device=device)
