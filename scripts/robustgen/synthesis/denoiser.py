"""Denoisers: a small convolutional network that estimates the Gaussian noise of an image, and from
it the score of the noisy images' law.

Images are taken in [0,1] and beyond, as noise leaves them, whatever mean and std say.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.gan.types import Frozen, signed
from robustgen.nets.learnt import learnt
from robustgen.nets.spec import Spec

GIVES = "denoiser"
PARTS: dict[str, str] = {}
OPTIONS: dict[str, dict[str, Any]] = {
    "width": {
        "type": "whole number",
        "least": 1,
        "default": 32,
        "means": "Channels of each layer but the last.",
    },
    "depth": {
        "type": "whole number",
        "least": 2,
        "default": 6,
        "means": "Convolutions of 3 x 3 pixels; each widens what a pixel depends on by 2.",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}


class Residual(nn.Module):
    """Images [n,c,h,w] and noise levels [n] -> the standard normal noise that is in the images.

    Convolutions find x - D(x, sigma) in the image and a channel of log sigma; divided by sigma, it
    is the noise. No layer normalises, for the size of the noise would be lost.
    """

    def __init__(self, *, channels: int, size: int, width: int, depth: int) -> None:
        super().__init__()
        self.form = channels, size, size
        layers: list[nn.Module] = [nn.Conv2d(channels + 1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(last.weight)  # training starts at D(x, sigma) = x
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.layers = nn.Sequential(*layers, last)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        sigma = sigma.reshape(-1, 1, 1, 1)
        level = sigma.log().expand(-1, 1, *x.shape[2:])
        residual: Tensor = self.layers(torch.cat([signed(x), level], dim=1))
        return residual / sigma

    def once(self) -> Tensor:
        """A pass of one image, whose operations are counted."""
        found: Tensor = self(torch.zeros(1, *self.form), torch.ones(1))
        return found


class Denoiser(Frozen):
    """What a kind that gives a denoiser fills in is `noise`; D and the score follow from it."""

    def noise(self, x: Tensor, sigma: float) -> Tensor:
        """The estimate of xi [n,c,h,w] in x = clean image + sigma xi."""
        raise NotImplementedError

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        """D(x, sigma) = x - sigma noise(x, sigma), an estimate of the clean image."""
        return x - sigma * self.noise(x, sigma)

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """(D(x, sigma) - x) / sigma^2 = -noise(x, sigma) / sigma: by Tweedie's formula the estimate
        of grad_x log p(x) of images with Gaussian noise of standard deviation sigma.
        """
        if sigma <= 0:
            raise Refused(f"The score needs noise of a sigma above 0, not {sigma}.")
        return -self.noise(x, sigma) / sigma


class Ready(Denoiser):
    """A copy of a trained network for inference."""

    def __init__(self, net: Residual, *, dtype: torch.dtype, device: str) -> None:
        super().__init__()
        self.dtype = dtype
        self.net: Any = copy.deepcopy(net).to(device).eval().to(dtype)
        self.net.to(memory_format=torch.channels_last)
        self.requires_grad_(False)
        self.train(False)

    def noise(self, x: Tensor, sigma: float) -> Tensor:
        level = torch.full((len(x),), sigma, dtype=self.dtype, device=x.device)
        found: Tensor = self.net(x.to(self.dtype), level).float()
        return found


def build(*, channels: int, classes: int, size: int, **options: Any) -> nn.Module:
    """The network, untrained."""
    del classes
    return Residual(channels=channels, size=size, **{**DEFAULTS, **options})


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Ready:
    """The denoiser for inference."""
    del parts
    return Ready(learnt(net, Residual, spec), dtype=dtype, device=device)
