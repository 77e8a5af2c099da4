"""The discriminator of Miyato & Koyama (2018): a residual network with spectral normalisation,
summed over space, and a projection on the class.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.gan.pair import Judge, Verdict
from robustgen.gan.spectral import Conv, Embedding, Linear


def glorot(layer: nn.Conv2d | nn.Linear | nn.Embedding, gain: float) -> None:
    """Fill weights uniformly by Glorot's rule, and biases by zero."""
    nn.init.xavier_uniform_(layer.weight, gain)
    bias = getattr(layer, "bias", None)
    if bias is not None:
        nn.init.zeros_(bias)


class Block(nn.Module):
    """Two convolutions and a shortcut; the first block of all has no activation in front.

    Pooling and a 1 x 1 convolution commute, so that the shortcut pools first in all blocks.
    """

    def __init__(self, inside: int, outside: int, *, down: bool, first: bool) -> None:
        super().__init__()
        self.down, self.first = down, first
        self.conv1, self.conv2 = Conv(inside, outside), Conv(outside, outside)
        straight = inside == outside and not down
        self.shortcut: nn.Module = nn.Identity() if straight else Conv(inside, outside, 1)
        for conv in (self.conv1, self.conv2):
            glorot(conv, math.sqrt(2))
        if isinstance(self.shortcut, Conv):
            glorot(self.shortcut, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(x if self.first else functional.relu(x))
        h = self.conv2(functional.relu(h))
        if self.down:
            h, x = functional.avg_pool2d(h, 2), functional.avg_pool2d(x, 2)
        return h + self.shortcut(x)


class Projection(Judge):
    """psi(h) + <V_y, h> with h the sum over space of the last features."""

    def __init__(self, *, channels: int, classes: int, width: int, downs: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                Block(width if index else channels, width, down=index < downs, first=index == 0)
                for index in range(downs + 2)
            )
        )
        self.linear = Linear(width, 1, bias=False)
        self.embedding = Embedding(classes, width)
        glorot(self.linear, 1.0)
        glorot(self.embedding, 1.0)

    def verdict(self, x: Tensor, y: Tensor, source: torch.Generator | None = None) -> Verdict:
        del source
        x = x.contiguous(memory_format=torch.channels_last)
        h = functional.relu(self.blocks(x)).sum(dim=(2, 3))  # [n,width]
        return Verdict(projected(self.linear(h)[:, 0], self.embedding(y), h))


def projected(psi: Tensor, v: Tensor, h: Tensor) -> Tensor:
    """psi + <v, h> per image, in full precision."""
    return psi.float() + (v.float() * h.float()).sum(dim=1)
