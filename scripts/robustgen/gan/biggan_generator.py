"""BigGAN's generator (Brock et al. 2019), with the names and shapes of BigGAN-PyTorch: the first
chunk of the code enters the first layer, the others, beside the class, the norms of a block each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.gan.attention import Attention
from robustgen.gan.modulation import EPS, MOMENTUM, Statistics
from robustgen.gan.pair import FIRST, Maker
from robustgen.gan.self_modulated import doubled
from robustgen.gan.spectral import Conv, Linear, initialised

WIDTHS = {  # size -> factors of `ch`, of the first layer and of each block
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
}
STD = 0.02  # of weights before training


class Conditioned(Statistics):
    """A norm with gain 1 + W_g c and bias W_b c of a condition c [n,d]."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__(channels)
        self.gain = Linear(condition, channels, bias=False)
        self.bias = Linear(condition, channels, bias=False)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.modulated(x, 1 + self.gain(condition), self.bias(condition))


class Norm(Statistics):
    """A norm with a gain and a bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(
            x,
            self.stored_mean,
            self.stored_var,
            self.gain,
            self.bias,
            self.training,
            MOMENTUM,
            EPS,
        )


class Block(nn.Module):
    """Two convolutions at twice the size of the input, with a shortcut."""

    def __init__(self, inside: int, outside: int, condition: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(inside, outside), Conv(outside, outside)
        self.conv_sc = Conv(inside, outside, 1)
        self.bn1, self.bn2 = Conditioned(inside, condition), Conditioned(outside, condition)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.conv1(doubled(functional.relu(self.bn1(x, condition))))
        h = self.conv2(functional.relu(self.bn2(h, condition)))
        return h + doubled(self.conv_sc(x))  # a 1 x 1 convolution and doubling commute


class Generator(Maker):
    """Images of the classes whose embeddings are the rows `rows` of `shared`."""

    rows: Tensor

    def __init__(
        self,
        *,
        channels: int,
        size: int,
        ch: int,
        latent: int,
        shared: int,
        rows: Sequence[int],
        embedded: int,
        attention: int,
    ) -> None:
        super().__init__()
        first, *widths = (ch * factor for factor in WIDTHS[size])
        self.latent, self.slots = latent, len(widths) + 1
        self.chunk = _chunk(latent, self.slots)
        self.shared = nn.Embedding(embedded, shared)
        self.linear = Linear(self.chunk, first * FIRST**2)
        self.blocks = nn.ModuleList()
        for index, outside in enumerate(widths):
            inside = [first, *widths][index]
            layers = nn.ModuleList([Block(inside, outside, shared + self.chunk)])
            if attention == FIRST * 2 ** (index + 1):
                layers.append(Attention(outside))
            self.blocks.append(layers)
        self.output_layer = nn.Sequential(Norm(widths[-1]), nn.ReLU(), Conv(widths[-1], channels))
        self.register_buffer("rows", torch.tensor(rows), persistent=False)
        initialised(self, lambda weight: nn.init.normal_(weight, std=STD))

    def forward(self, codes: Tensor, y: Tensor) -> Tensor:
        first, *others = (
            codes[:, slot, slot * self.chunk : (slot + 1) * self.chunk]
            for slot in range(self.slots)
        )
        e = self.shared(self.rows[y])
        h = self.linear(first).reshape(len(y), -1, FIRST, FIRST)
        h = h.contiguous(memory_format=torch.channels_last)
        for layers, chunk in zip(self.blocks, others, strict=True):
            block, *attention = layers.children()
            h = block(h, torch.cat([e, chunk], dim=1))
            for layer in attention:
                h = layer(h)
        return torch.tanh(self.output_layer(h))


def _chunk(latent: int, slots: int) -> int:
    if latent % slots:
        raise Refused(
            f"BigGAN cuts its code into {slots} chunks of one length; `latent` must be a multiple "
            f"of {slots}, such as {latent - latent % slots or slots}, not {latent}."
        )
    return latent // slots
