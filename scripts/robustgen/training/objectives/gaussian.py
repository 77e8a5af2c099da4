"""Cross entropy on images with Gaussian noise of standard deviation `sigma`; noisy images are not
clipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.training.objectives import standard

OPTIONS = {
    "sigma": {"type": "number", "above": 0, "means": "Standard deviation of the noise."},
}


def loss(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    options: Mapping[str, Any],
    label_smoothing: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(loss, logits [n,K]) of a batch x [n,c,h,w] under fresh noise."""
    noisy = _noisy(x, options["sigma"], generator)
    return standard.loss(
        model, noisy, y, options={}, label_smoothing=label_smoothing, generator=generator
    )


def correct(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    options: Mapping[str, Any],
    generator: torch.Generator,
) -> Tensor:
    """Which images (bool [n]) are right under noise of the same strength."""
    noisy = _noisy(x, options["sigma"], generator)
    return standard.correct(model, noisy, y, options={}, generator=generator)


def _noisy(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    return x + sigma * torch.randn(x.shape, generator=generator).to(x.device)
