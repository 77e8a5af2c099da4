"""A generator and its discriminator as one network, and what every pair of them shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused

FIRST = 4  # side of a generator's first feature maps


@dataclass(frozen=True)
class Verdict:
    """What a discriminator says of images."""

    logits: Tensor  # [n]
    commitment: Tensor | None = None  # [n], the loss of the quantisers
    perplexity: Tensor | None = None  # of the codes in use, mean over the quantisers


class Maker(nn.Module):
    """Images [n,c,h,w] in [-1,1] from codes [n,slots,d], one for each place, and classes [n]."""

    latent: int
    slots: int

    def forward(self, codes: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError


class Judge(nn.Module):
    """Logits [n] of images [n,c,h,w] in [-1,1] and classes [n]."""

    def verdict(self, x: Tensor, y: Tensor, source: torch.Generator | None = None) -> Verdict:
        """The logits, with what is lost by quantisation; `source` gives the quantisers random
        numbers, without which they do not learn.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.verdict(x, y).logits


class Pair(nn.Module):
    """The two networks, and samples during training."""

    progress: Tensor | None

    def __init__(
        self, generator: Maker, discriminator: Judge | None, progress: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        kept = torch.zeros(progress, dtype=torch.uint8) if progress[0] else None
        self.register_buffer("progress", kept)  # [t,K,m,c,h,w]

    def once(self) -> None:
        """Draw one image, by which operations are counted."""
        codes = torch.zeros(1, self.generator.slots, self.generator.latent)
        self.generator(codes, torch.zeros(1, dtype=torch.long))


def paired(
    generator: Maker,
    discriminator: Judge | None,
    options: dict[str, Any],
    *,
    channels: int,
    classes: int,
    size: int,
) -> Pair:
    """The pair, with room for samples of the options `snapshots` and `shown`."""
    room = (options["snapshots"], classes, options["shown"], channels, size, size)
    return Pair(generator, discriminator, room)


def spread(z: Tensor, slots: int, extra: Tensor | None = None) -> Tensor:
    """Codes [n,slots,d] of each place from z [n,d], with `extra` [n,slots,d] added."""
    codes = z[:, None].expand(-1, slots, -1)
    return codes if extra is None else codes + extra


def doublings(size: int, *, least: int, most: int) -> int:
    """b of size = 4 * 2^b, refused unless it is a whole number in [least, most]."""
    b = (size // FIRST).bit_length() - 1
    if size != FIRST * 2**b or not least <= b <= most:
        sizes = ", ".join(str(FIRST * 2**one) for one in range(least, most + 1))
        raise Refused(
            f"This generator makes images of {sizes} pixels, not of {size}; set datasets.*.size to "
            "one of them."
        )
    return b


def several(classes: int) -> None:
    """Refuse a data set of one class."""
    if classes < 2:
        raise Refused(
            f"A conditional generator needs at least two classes, not {classes}; choose another "
            "data set."
        )
