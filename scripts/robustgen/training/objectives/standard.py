"""Cross entropy on clean images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

OPTIONS: dict[str, dict[str, object]] = {}


def loss(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    options: Mapping[str, Any],
    label_smoothing: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(loss, logits [n,K]) of a batch x [n,c,h,w]."""
    z = model(x).float()
    return cross_entropy(z, y, label_smoothing=label_smoothing), z


def correct(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    options: Mapping[str, Any],
    generator: torch.Generator,
) -> Tensor:
    """Which images (bool [n]) count as right when checkpoints are compared."""
    with torch.no_grad():
        return model(x).argmax(dim=1) == y
