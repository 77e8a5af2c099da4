"""ResNets of basic blocks in the paper's shapes: the CIFAR stem, average pooling over 4 x 4, one
linear layer.

Dropout before the linear layer is an addition: the papers' ResNets have none, and Bayesian
uncertainty needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.nets.fold import ConvNorm

POOL = 4
OPTIONS = {
    "blocks": {
        "type": "whole number",
        "several": True,
        "least": 1,
        "default": (1, 1, 1, 1),
        "means": "Blocks of each stage.",
    },
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 64,
        "means": "Channels of the first stage; each further one has twice.",
    },
    "stem_stride": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Stride of the first convolution.",
    },
    "dropout": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.0,
        "means": "Dropout before the linear layer; KD+BU needs it.",
    },
}
# of the last stage's output, which is pooled
SIDE = {"least": 4, "divided_by": "stem_stride", "halved_after_each_of": "blocks"}
SHOWS = ("layers", "features", "dropout")
SHOWN_WITH = {"dropout": "dropout"}  # what is shown -> the option without which it is not


class Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut, which is a 1 x 1 convolution where the shape
    changes.
    """

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = ConvNorm(inside, outside, 3, stride)
        self.second = ConvNorm(outside, outside, 3, 1)
        same = stride == 1 and inside == outside
        self.shortcut: nn.Module = nn.Identity() if same else ConvNorm(inside, outside, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.second(functional.relu(self.first(x))) + self.shortcut(x))


class ResNet(nn.Module):
    """Images -> logits; `features` gives the input of the linear layer."""

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        size: int,
        blocks: Sequence[int] = (1, 1, 1, 1),
        width: int = 64,
        stem_stride: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [width * 2**stage for stage in range(len(blocks))]
        self.stem = ConvNorm(channels, width, 3, stem_stride)
        self.stages = nn.Sequential()
        for stage, (inside, outside, count) in enumerate(
            zip([width, *widths], widths, blocks, strict=False)
        ):
            first = Block(inside, outside, 2 if stage else 1)
            self.stages.append(
                nn.Sequential(first, *(Block(outside, outside, 1) for _ in range(count - 1)))
            )
        with torch.no_grad():
            flat = self.eval().features(torch.zeros(1, channels, size, size)).shape[1]
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(flat, classes)
        self.train()

    def layers(self, x: Tensor) -> list[Tensor]:
        """The output of each stage [n,c,h,w]."""
        return self.taps(x)[1:]

    def taps(self, x: Tensor) -> list[Tensor]:
        """The output of the first layer and of each stage."""
        x = functional.relu(self.stem(x))
        return [x, *(x := stage(x) for stage in self.stages)]

    def pooled(self, x: Tensor) -> Tensor:
        """The input of the linear layer [n,d] from the last stage's output."""
        return functional.avg_pool2d(x, POOL).flatten(1)

    def features(self, x: Tensor) -> Tensor:
        return self.pooled(self.layers(x)[-1])

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(self.features(x)))
        return logits


def build(**options: Any) -> nn.Module:
    """A ResNet10 ([1,1,1,1]) or ResNet18 ([2,2,2,2]); Imagenette at 150 px takes stem_stride 2,
    hence 2048 features.
    """
    return ResNet(**options)
