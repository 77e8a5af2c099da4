"""BigGAN (Brock et al. 2019), and FQ-BigGAN where features are quantised (Zhao et al. 2020).

Defaults are those of FQ-BigGAN for CIFAR-10, without quantisation. The thesis's generator for
Imagenette is BigGAN-PyTorch's at 128 pixels, `G_ema.pth`: ch 96, latent 120, attention 64,
embedded 1000, rows [0, 217, 482, 491, 497, 566, 569, 571, 574, 701], discriminator false,
snapshots 0, and keys

    {shared.: generator.shared., linear.: generator.linear., blocks.: generator.blocks.,
     output_layer.: generator.output_layer.}

A file that also holds `D.pth` below the prefix `discriminator.` fits with discriminator true.
Images are taken in [0,1], whatever mean and std say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from robustgen.core.refusal import Refused
from robustgen.gan import biggan_discriminator, biggan_generator
from robustgen.gan.biggan_discriminator import Discriminator
from robustgen.gan.biggan_generator import Generator
from robustgen.gan.pair import FIRST, Pair, doublings, paired, several
from robustgen.gan.ready_generator import Ready
from robustgen.nets.spec import Spec

GIVES = "generator"
WEIGHTS = "G_ema.pth of 128 pixels is linked in the README of github.com/ajbrock/BigGAN-PyTorch"
PARTS = {"features": "feature net"}
OPTIONS: dict[str, dict[str, Any]] = {
    "ch": {
        "type": "whole number",
        "least": 1,
        "default": 64,
        "means": "Channels of which the networks have multiples; 256 at 32 pixels for 64.",
    },
    "latent": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Dimensions of the code, a multiple of the number of places at which it enters, "
        "which is one more than the generator's blocks.",
    },
    "shared": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Dimensions of a class in the generator.",
    },
    "attention": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "means": "Side of the feature maps with self-attention; none where 0.",
    },
    "quantized": {
        "type": "whole number",
        "least": 0,
        "several": True,
        "different": True,
        "default": (),
        "means": "Blocks of the discriminator, from 0, whose features are quantised; FQ-BigGAN has "
        "[0, 1, 2, 3].",
    },
    "codes": {
        "type": "whole number",
        "least": 2,
        "default": 1024,
        "means": "Codes of each quantiser.",
    },
    "commitment": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the distance between features and codes in both losses.",
    },
    "code_decay": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.8,
        "means": "Decay of the moving averages that codes are.",
    },
    "quantize_forward": {
        "type": "true or false",
        "default": False,
        "means": "Whether the discriminator goes on with the codes; the published code has them in "
        "the loss alone.",
    },
    "embedded": {
        "type": "whole number",
        "least": 2,
        "default": None,
        "means": "Classes that have an embedding; the data set's where empty.",
    },
    "rows": {
        "type": "whole number",
        "least": 0,
        "several": True,
        "different": True,
        "default": (),
        "means": "The embedding of each class of the data set, such as ImageNet's indices of "
        "Imagenette's; the first ones in order where empty.",
    },
    "discriminator": {
        "type": "true or false",
        "default": True,
        "means": "Whether the weights hold a discriminator, which training needs.",
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
BLOCKS = (3, 5)  # fewest and most of a generator, for 32 to 128 pixels
QUANTISER = ("quantized", "codes", "commitment", "quantize_forward")


def build(*, channels: int, classes: int, size: int, **options: Any) -> Pair:
    """The two networks, untrained, for images of 32, 64 or 128 pixels."""
    told = {**DEFAULTS, **options}
    several(classes)
    doublings(size, least=BLOCKS[0], most=BLOCKS[1])
    _attention(told["attention"], size)
    embedded = told["embedded"] or classes
    rows = _rows(told["rows"], classes, embedded)
    common = {name: told[name] for name in ("ch", "attention")}
    common |= {"channels": channels, "size": size, "rows": rows, "embedded": embedded}
    generator = Generator(latent=told["latent"], shared=told["shared"], **common)
    discriminator = None
    if told["discriminator"]:
        quantisers = {name: told[name] for name in QUANTISER}
        discriminator = Discriminator(**common, **quantisers, decay=told["code_decay"])
    return paired(generator, discriminator, told, channels=channels, classes=classes, size=size)


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Ready:
    """The generator for inference, which holds the embeddings of the data set's classes alone."""
    ready = Ready.of(net, parts["features"], spec=spec, dtype=dtype, device=device)
    generator = ready.maker
    assert isinstance(generator, Generator)
    generator.shared = nn.Embedding.from_pretrained(generator.shared.weight[generator.rows])
    generator.rows = torch.arange(spec.classes, device=device)
    return ready


def _rows(rows: Sequence[int], classes: int, embedded: int) -> list[int]:
    """The embedding of each class, refused where there are not as many as classes."""
    found = list(rows) or list(range(classes))
    if len(found) != classes:
        raise Refused(
            f"`rows` must name an embedding for each of {classes} classes, not {len(found)}."
        )
    if max(found) >= embedded:
        raise Refused(
            f"`rows` names embedding {max(found)}, but there are {embedded}, counted from 0; raise "
            "`embedded`."
        )
    return found


def _attention(side: int, size: int) -> None:
    """Refuse self-attention where the generator or the discriminator has no such feature maps."""
    least = size // 2 ** biggan_discriminator.DOWNS[size]
    blocks = len(biggan_generator.WIDTHS[size]) - 1
    sides = [FIRST * 2 ** (index + 1) for index in range(blocks - 1)]
    known = [one for one in sides if one >= least]
    if side and side not in known:
        raise Refused(
            f"`attention` must be 0 or one of {', '.join(map(str, known))} at {size} pixels, not "
            f"{side}."
        )
