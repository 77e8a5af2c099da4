"""Cross entropy on images with Gaussian noise of standard deviation `sigma`; noisy images are not
clipped.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.training.objectives import standard
from robustgen.training.types import Recipe

ASKS = ("sigma",)  # what must be above 0
TAKES = ("sigma",)  # what it uses of an objective


def loss(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(loss, logits) of a batch under fresh noise."""
    return standard.loss(model, _noisy(x, recipe, generator), y, recipe=recipe, generator=generator)


def correct(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> Tensor:
    """Which images are right under noise of the same strength."""
    return standard.correct(
        model, _noisy(x, recipe, generator), y, recipe=recipe, generator=generator
    )


def _noisy(x: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    return x + recipe.objective.sigma * torch.randn(x.shape, generator=generator).to(x.device)
