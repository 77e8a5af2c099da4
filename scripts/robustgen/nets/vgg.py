"""VGG nets with batch norms and one linear layer, as they are used on CIFAR-10 (VGG16: stages of 2,
2, 3, 3, 3 convolutions of 64, 128, 256, 512, 512 channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.nets.fold import ConvNorm

MOST = 8  # times the first stage's channels
OPTIONS = {
    "convolutions": {
        "type": "whole number",
        "several": True,
        "least": 1,
        "default": (2, 2, 3, 3, 3),
        "means": "Convolutions of each stage, which a pooling that halves the side follows.",
    },
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 64,
        "means": "Channels of the first stage; each further one has twice, up to eight times.",
    },
    "dropout": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.0,
        "means": "Dropout before the linear layer; KD+BU needs it.",
    },
}
# of the last stage's output, which is pooled once more
SIDE = {"least": 2, "halved_after_each_of": "convolutions"}
SHOWS = ("layers", "features", "dropout")
SHOWN_WITH = {"dropout": "dropout"}


class Vgg(nn.Module):
    """Images -> logits; `features` gives the input of the linear layer."""

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        size: int,
        convolutions: Sequence[int] = (2, 2, 3, 3, 3),
        width: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        inside = channels
        for number, count in enumerate(convolutions):
            outside = width * min(MOST, 2**number)
            widths = [inside, *[outside] * count]
            pairs = pairwise(widths)
            self.stages.append(nn.ModuleList(ConvNorm(a, b, 3, 1) for a, b in pairs))
            inside = outside
        with torch.no_grad():
            flat = self.eval().features(torch.zeros(1, channels, size, size)).shape[1]
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(flat, classes)
        self.train()

    def layers(self, x: Tensor) -> list[Tensor]:
        """The ReLU outputs [n,c,h,w] before each pooling."""
        taps = []
        for number, stage in enumerate(self.stages):
            x = functional.max_pool2d(x, 2) if number else x
            for layer in stage:  # type: ignore[attr-defined]
                x = functional.relu(layer(x))
            taps.append(x)
        return taps

    def taps(self, x: Tensor) -> list[Tensor]:
        """The same, for distances of images."""
        return self.layers(x)

    def pooled(self, x: Tensor) -> Tensor:
        """The input of the linear layer [n,d] from the last stage's output."""
        return functional.max_pool2d(x, 2).flatten(1)

    def features(self, x: Tensor) -> Tensor:
        return self.pooled(self.layers(x)[-1])

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(self.features(x)))
        return logits


def build(**options: Any) -> nn.Module:
    """A VGG net, VGG16 by default."""
    return Vgg(**options)
