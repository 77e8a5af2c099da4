"""Encoders of images into a generator's codes: a residual network with batch norms and a linear
layer. Defaults are a ResNet18's.

Images are taken in [0,1], whatever mean and std say.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.gan.types import Encoder, signed
from robustgen.nets.fold import ConvNorm, fold
from robustgen.nets.learnt import learnt
from robustgen.nets.resnet import Block
from robustgen.nets.spec import Spec

GIVES = "encoder"
PARTS: dict[str, str] = {}
OPTIONS: dict[str, dict[str, Any]] = {
    "latent": {
        "type": "whole number",
        "least": 1,
        "default": 128,
        "means": "Dimensions of the code, those of the generator that it is trained for.",
    },
    "widths": {
        "type": "whole number",
        "several": True,
        "least": 1,
        "default": (64, 128, 256, 512),
        "means": "Channels of each stage; each further one has half the side.",
    },
    "blocks": {
        "type": "whole number",
        "least": 1,
        "default": 2,
        "means": "Residual blocks of each stage.",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}


class ResNet(nn.Module):
    """Images [n,c,h,w] in [-1,1] -> codes [n,d]."""

    def __init__(
        self, *, channels: int, latent: int, widths: Sequence[int], blocks: int, size: int
    ) -> None:
        super().__init__()
        if size < 2 ** (len(widths) - 1):
            raise Refused(
                f"Images of {size} pixels cannot be halved {len(widths) - 1} times; give fewer "
                "`widths`."
            )
        self.latent = latent
        self.stem = ConvNorm(channels, widths[0], 3, 1)
        self.stages = nn.Sequential()
        for stage, outside in enumerate(widths):
            inside = [widths[0], *widths][stage]
            first = Block(inside, outside, 2 if stage else 1)
            self.stages.extend([first, *(Block(outside, outside, 1) for _ in range(blocks - 1))])
        self.linear = nn.Linear(widths[-1], latent)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stages(functional.relu(self.stem(x)))
        return self.linear(h.mean(dim=(2, 3)))


class Ready(Encoder):
    """A copy of a trained network for inference."""

    def __init__(self, net: ResNet, *, dtype: torch.dtype, device: str) -> None:
        super().__init__()
        self.latent, self.dtype = net.latent, dtype
        self.net: Any = fold(copy.deepcopy(net).to(device).eval()).to(dtype)
        self.net.to(memory_format=torch.channels_last)
        self.requires_grad_(False)
        self.train(False)

    def forward(self, x: Tensor) -> Tensor:
        x = signed(x).to(self.dtype).contiguous(memory_format=torch.channels_last)
        return self.net(x).float()


def build(*, channels: int, classes: int, size: int, **options: Any) -> nn.Module:
    """The network, untrained."""
    del classes
    told = {**DEFAULTS, **options}
    return ResNet(channels=channels, size=size, **told)


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Ready:
    """The encoder for inference."""
    del parts
    return Ready(learnt(net, ResNet, spec), dtype=dtype, device=device)
