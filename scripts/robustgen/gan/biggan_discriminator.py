"""BigGAN's discriminator, with the names and shapes of BigGAN-PyTorch, and with quantised features
where asked (FQ-GAN).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.gan.attention import Attention
from robustgen.gan.biggan_generator import STD
from robustgen.gan.pair import Judge, Verdict
from robustgen.gan.projection import projected
from robustgen.gan.quantizer import Quantised, Quantizer
from robustgen.gan.spectral import Conv, Embedding, Linear, initialised

WIDTHS = {  # size -> factors of `ch` of each block
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
}
DOWNS = {32: 2, 64: 4, 128: 5}  # size -> blocks that halve it, the first ones


class Block(nn.Module):
    """Two convolutions and a shortcut. The first block has no activation in front of it; in others
    the shortcut takes the input after the activation where `activated`.
    """

    def __init__(
        self, inside: int, outside: int, *, down: bool, first: bool, activated: bool
    ) -> None:
        super().__init__()
        self.down, self.first, self.activated = down, first, activated
        self.conv1, self.conv2 = Conv(inside, outside), Conv(outside, outside)
        if inside != outside or down:
            self.conv_sc = Conv(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.first else functional.relu(x)
        x = h if self.activated else x
        h = self.conv2(functional.relu(self.conv1(h)))
        if self.down:
            h, x = functional.avg_pool2d(h, 2), functional.avg_pool2d(x, 2)
        return h + (self.conv_sc(x) if hasattr(self, "conv_sc") else x)


class Discriminator(Judge):
    """psi(h) + <V_y, h> with h the sum over space of the last features."""

    rows: Tensor

    def __init__(
        self,
        *,
        channels: int,
        size: int,
        ch: int,
        rows: Sequence[int],
        embedded: int,
        attention: int,
        quantized: Sequence[int],
        codes: int,
        commitment: float,
        decay: float,
        quantize_forward: bool,
    ) -> None:
        super().__init__()
        widths = [ch * factor for factor in WIDTHS[size]]
        self.commitment, self.quantize_forward = commitment, quantize_forward
        self.blocks = nn.ModuleList()
        # BigGAN-PyTorch activates in place at sizes above 32, hence before the shortcut too
        activated = size > 32
        for index, outside in enumerate(widths):
            inside, down = [channels, *widths][index], index < DOWNS[size]
            layers = nn.ModuleList(
                [Block(inside, outside, down=down, first=index == 0, activated=activated)]
            )
            if down and attention == size // 2 ** (index + 1):
                layers.append(Attention(outside))
            self.blocks.append(layers)
        self.linear = Linear(widths[-1], 1)
        self.embed = Embedding(embedded, widths[-1])
        self.quantizers = nn.ModuleDict(
            {
                str(index): Quantizer(codes, widths[index], decay=decay)
                for index in _blocks(quantized, len(widths))
            }
        )
        self.register_buffer("rows", torch.tensor(rows), persistent=False)
        initialised(self, lambda weight: nn.init.normal_(weight, std=STD))

    def verdict(self, x: Tensor, y: Tensor, source: torch.Generator | None = None) -> Verdict:
        h, found = x.contiguous(memory_format=torch.channels_last), []
        for index, layers in enumerate(self.blocks):
            for layer in layers.children():
                h = layer(h)
            if str(index) in self.quantizers:
                quantised = self.quantizers[str(index)](h, source)
                found.append(quantised)
                h = self._entered(h, quantised)
        h = functional.relu(h).sum(dim=(2, 3))  # [n,channels]
        logits = projected(self.linear(h)[:, 0], self.embed(self.rows[y]), h)
        if not found:
            return Verdict(logits)
        commitment = torch.stack([one.commitment for one in found]).sum(dim=0)
        perplexity = torch.stack([one.perplexity for one in found]).mean()
        return Verdict(logits, self.commitment * commitment, perplexity)

    def _entered(self, h: Tensor, quantised: Quantised) -> Tensor:
        """What the next block takes: the features, or their codes with the features' gradient."""
        if not self.quantize_forward:
            return h
        return h + (quantised.codes - h).detach().to(h.dtype)


def _blocks(quantized: Sequence[int], count: int) -> list[int]:
    """The quantised blocks, refused where there are no such ones."""
    if wrong := [index for index in quantized if index >= count]:
        raise Refused(
            f"`quantized` names block {wrong[0]}, but the discriminator's blocks are 0 to "
            f"{count - 1}."
        )
    return sorted(set(quantized))
