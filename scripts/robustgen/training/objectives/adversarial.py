"""Cross entropy on PGD images (Madry et al.); one step from a random start is FGSM-RS, a tiny ball
quasi-robust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.training.objectives import standard

# checkpoints are compared under at least so many steps, which shows a collapse of one-step training
JUDGE_STEPS = 10
INNER = "steps"  # the option with the steps of the attack on each batch
OPTIONS = {
    "norm": {"one_of": ("linf", "l2"), "default": "linf", "means": "Ball of the inner attack."},
    "eps": {
        "type": "number",
        "above": 0,
        "radius": "norm",
        "means": "Its radius; a tiny one makes a quasi-robust net.",
    },
    "steps": {
        "type": "whole number",
        "least": 1,
        "default": 7,
        "means": "Its steps; one step from a random start is FGSM-RS.",
    },
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": 0.25,
        "means": "Its step in units of eps; 1.25 for FGSM-RS.",
    },
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
    """(loss, logits [n,K]) of a batch x [n,c,h,w] under attack."""
    spec = _spec(options, steps=options["steps"], rel_step=options["rel_step"])
    attacked = _attack(model, x, y, spec, generator)
    return standard.loss(
        model, attacked, y, options={}, label_smoothing=label_smoothing, generator=generator
    )


def correct(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    options: Mapping[str, Any],
    generator: torch.Generator,
) -> Tensor:
    """Which images (bool [n]) stay right under PGD in the same ball."""
    steps = max(options["steps"], JUDGE_STEPS)
    attacked = _attack(model, x, y, _spec(options, steps=steps, rel_step=2.5 / steps), generator)
    return standard.correct(model, attacked, y, options={}, generator=generator)


def _attack(
    model: nn.Module, x: Tensor, y: Tensor, spec: Spec, generator: torch.Generator
) -> Tensor:
    return pgd.attack(
        lambda image: model(image).float(), x, y, spec=spec, generator=generator
    ).images


def _spec(options: Mapping[str, Any], *, steps: int, rel_step: float) -> Spec:
    """The inner attack."""
    eps = options["eps"]
    step = {"step": rel_step * eps} if eps else {}
    return Spec(eps=eps, steps=steps, norm=options["norm"], options=step)
