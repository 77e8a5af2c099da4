"""Learning rates as pure functions of the position, so that a resumed run needs no
scheduler state.
"""

from __future__ import annotations

import math

from robustgen.training.types import Recipe

RISE = 0.3  # share of a one-cycle schedule during which the rate rises


def rate(recipe: Recipe, position: float) -> float:
    """The learning rate at `position`, measured in epochs from 0 to recipe.epochs."""
    share = position / recipe.epochs
    match recipe.schedule:
        case "onecycle":
            return recipe.lr * (share / RISE if share < RISE else (1 - share) / (1 - RISE))
        case "cosine":
            return recipe.lr * (1 + math.cos(math.pi * share)) / 2
        case "multistep":
            return recipe.lr * recipe.gamma ** sum(
                position >= milestone for milestone in recipe.milestones
            )
        case _:  # constant
            return recipe.lr
