"""ResNets of basic blocks in the paper's shapes: the CIFAR stem, average pooling over 4 x 4, one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.nets.fold import ConvNorm

POOL = 4


class Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut, which is a 1 x 1 convolution where the shape changes."""

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

    def __init__(self, *, channels: int, classes: int, size: int, blocks: tuple[int, ...], width: int, stem_stride: int):
        super().__init__()
        widths = [width * 2**stage for stage in range(len(blocks))]
        self.stem = ConvNorm(channels, width, 3, stem_stride)
        stages, inside = [], width
        for stage, (outside, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                stages.append(Block(inside, outside, 2 if stage and not block else 1))
                inside = outside
        self.stages = nn.Sequential(*stages)
        with torch.no_grad():
            flat = self.eval().features(torch.zeros(1, channels, size, size)).shape[1]
        self.linear = nn.Linear(flat, classes)
        self.train()

    def features(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(self.stages(functional.relu(self.stem(x))), POOL).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.features(x))
        return logits


def build(
    *,
    channels: int,
    classes: int,
    size: int,
    blocks: tuple[int, ...] = (1, 1, 1, 1),
    width: int = 64,
    stem_stride: int = 1,
) -> nn.Module:
    """A ResNet10 ([1,1,1,1]) or ResNet18 ([2,2,2,2]); Imagenette at 150 px takes stem_stride 2, hence 2048 features."""
    return ResNet(channels=channels, classes=classes, size=size, blocks=tuple(blocks), width=width, stem_stride=stem_stride)
