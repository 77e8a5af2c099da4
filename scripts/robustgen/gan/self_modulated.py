"""The generator of the cGAN: residual blocks whose norms take gain and bias from the code and the
class (Chen et al. 2019).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.gan.modulation import SelfModulated
from robustgen.gan.pair import FIRST, Maker
from robustgen.gan.projection import glorot


class Block(nn.Module):
    """Two convolutions at twice the size of the input, with a shortcut."""

    def __init__(self, width: int, condition: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = SelfModulated(width, condition, hidden)
        self.norm2 = SelfModulated(width, condition, hidden)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.shortcut = nn.Conv2d(width, width, 1)
        for conv in (self.conv1, self.conv2):
            glorot(conv, math.sqrt(2))
        glorot(self.shortcut, 1.0)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.conv1(doubled(functional.relu(self.norm1(x, condition))))
        h = self.conv2(functional.relu(self.norm2(h, condition)))
        return h + doubled(self.shortcut(x))  # a 1 x 1 convolution and doubling commute


class Generator(Maker):
    """Code 0 enters the first linear layer, code i block i; the last one also the final norm."""

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        width: int,
        latent: int,
        hidden: int,
        embedding: int,
        blocks: int,
    ) -> None:
        super().__init__()
        self.latent, self.slots, self.width = latent, blocks + 1, width
        condition = latent + embedding
        self.embedding = nn.Embedding(classes, embedding)
        self.linear = nn.Linear(latent, width * FIRST**2)
        self.blocks = nn.ModuleList(Block(width, condition, hidden) for _ in range(blocks))
        self.norm = SelfModulated(width, condition, hidden)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        glorot(self.linear, 1.0)
        glorot(self.last, 1.0)
        for layer in self.modules():
            if isinstance(layer, SelfModulated):
                layer.start()

    def forward(self, codes: Tensor, y: Tensor) -> Tensor:
        e = self.embedding(y)
        conditions = [torch.cat([code, e], dim=1) for code in codes[:, 1:].unbind(dim=1)]
        h = self.linear(codes[:, 0]).reshape(len(y), self.width, FIRST, FIRST)
        h = h.contiguous(memory_format=torch.channels_last)
        for block, condition in zip(self.blocks, conditions, strict=True):
            h = block(h, condition)
        h = functional.relu(self.norm(h, conditions[-1]))
        return torch.tanh(self.last(h))


def doubled(x: Tensor) -> Tensor:
    """Images of twice the side, each pixel four times."""
    return functional.interpolate(x, scale_factor=2, mode="nearest")
