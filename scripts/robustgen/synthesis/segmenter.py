"""Segmenters: a small convolutional network that says of each pixel whether it lies on the object.

Images are taken in [0,1], whatever mean and std say.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.gan.types import Frozen, signed
from robustgen.nets.fold import ConvNorm, fold
from robustgen.nets.learnt import learnt
from robustgen.nets.spec import Spec

GIVES = "segmenter"
PARTS: dict[str, str] = {}
OPTIONS: dict[str, dict[str, Any]] = {
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 16,
        "means": "Channels at full size; there are twice as many at half and at a quarter of it.",
    },
}
LEAST = 4  # side in pixels that can be halved twice


class Unet(nn.Module):
    """Images [n,c,h,w] in [-1,1] -> logits [n,h,w], above 0 on the object: features at full, half
    and a quarter of the side, brought back to full size.
    """

    def __init__(self, *, channels: int, width: int, size: int) -> None:
        super().__init__()
        if size < LEAST:
            raise Refused(f"Images of {size} pixels cannot be halved twice; a segmenter needs it.")
        self.at_full, self.at_half = (
            ConvNorm(channels, width, 3, 1),
            ConvNorm(width, 2 * width, 3, 1),
        )
        self.at_quarter = nn.Sequential(
            ConvNorm(2 * width, 2 * width, 3, 1), nn.ReLU(), ConvNorm(2 * width, 2 * width, 3, 1)
        )
        self.up, self.out = ConvNorm(4 * width, width, 3, 1), ConvNorm(2 * width, width, 3, 1)
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        full = functional.relu(self.at_full(x))
        half = functional.relu(self.at_half(functional.max_pool2d(full, 2)))
        quarter = functional.relu(self.at_quarter(functional.max_pool2d(half, 2)))
        h = functional.relu(self.up(torch.cat([half, _resized(quarter, half)], dim=1)))
        h = functional.relu(self.out(torch.cat([full, _resized(h, full)], dim=1)))
        logits: Tensor = self.last(h)[:, 0]
        return logits


class Segmenter(Frozen):
    """A copy of a trained network for inference."""

    def __init__(self, net: Unet, *, dtype: torch.dtype, device: str) -> None:
        super().__init__()
        self.dtype = dtype
        self.net: Any = fold(copy.deepcopy(net).to(device).eval()).to(dtype)
        self.net.to(memory_format=torch.channels_last)
        self.requires_grad_(False)
        self.train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n,h,w] of images [n,c,h,w] in [0,1], above 0 on the object."""
        x = signed(x).to(self.dtype).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.net(x).float()
        return logits


def build(*, channels: int, classes: int, size: int, **options: Any) -> nn.Module:
    """The network, untrained."""
    del classes
    width = options.get("width", OPTIONS["width"]["default"])
    return Unet(channels=channels, width=width, size=size)


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Segmenter:
    """The segmenter for inference."""
    del parts
    return Segmenter(learnt(net, Unet, spec), dtype=dtype, device=device)


def _resized(h: Tensor, like: Tensor) -> Tensor:
    """Feature maps, repeated to the side of others."""
    return functional.interpolate(h, size=like.shape[2:], mode="nearest")
