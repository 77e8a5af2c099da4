"""Cross entropy on PGD images (Madry et al.); one step from a random start is FGSM-RS, a tiny ball
quasi-robust.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.training.objectives import standard
from robustgen.training.types import Recipe

# checkpoints are compared under at least so many steps, which shows a collapse of one-step training
JUDGE_STEPS = 10
ASKS = ("eps",)  # what must be above 0
TAKES = ("norm", "eps", "steps", "rel_step")  # what it uses of an objective


def loss(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(loss, logits) of a batch under attack."""
    goal = recipe.objective
    attacked = _attack(model, x, y, recipe, generator, steps=goal.steps, rel_step=goal.rel_step)
    return standard.loss(model, attacked, y, recipe=recipe, generator=generator)


def correct(
    model: nn.Module, x: Tensor, y: Tensor, *, recipe: Recipe, generator: torch.Generator
) -> Tensor:
    """Which images stay right under PGD in the same ball."""
    steps = max(recipe.objective.steps, JUDGE_STEPS)
    attacked = _attack(model, x, y, recipe, generator, steps=steps, rel_step=2.5 / steps)
    return standard.correct(model, attacked, y, recipe=recipe, generator=generator)


def _attack(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    *,
    steps: int,
    rel_step: float,
) -> Tensor:
    goal = recipe.objective
    spec = Spec(eps=goal.eps, step=rel_step * goal.eps, steps=steps, norm=goal.norm)
    return pgd.attack(
        lambda image: model(image).float(), x, y, spec=spec, generator=generator
    ).images
