"""Cross entropy on natural images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.training.types import Recipe

TAKES: tuple[str, ...] = ()  # it uses nothing of an objective beside its kind


def loss(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(loss, logits) of a batch."""
    z = model(x).float()
    return cross_entropy(z, y, label_smoothing=recipe.label_smoothing), z


def correct(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> Tensor:
    """Which images count as right when checkpoints are compared."""
    with torch.no_grad():
        return model(x).argmax(dim=1) == y
