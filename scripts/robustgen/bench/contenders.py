"""The contenders of the race: one attack, PGD in L_inf with a random start, by us and by two
libraries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused

Attack = Callable[[Tensor, Tensor], Tensor]  # images [n,c,h,w], labels [n] -> attacked images


@dataclass(frozen=True)
class Budget:
    """The attack that all contenders make."""

    eps: float
    step: float
    steps: int


@dataclass(frozen=True)
class Contender:
    """An attack under a name."""

    name: str
    run: Attack


def contenders(model: nn.Module, own: nn.Module, budget: Budget) -> list[Contender]:
    """Ours on `own`, then each peer on `model`, as its users run it, and on `own`, the very net
    that ours gets.
    """
    peers = {"torchattacks": _torchattacks, "foolbox": _foolbox}
    nets = {"as used": model, "on our net": own}
    return [Contender("robustgen", _ours(own, budget))] + [
        Contender(f"{peer}, {how}", build(net, budget))
        for how, net in nets.items()
        for peer, build in peers.items()
    ]


def _ours(net: nn.Module, budget: Budget) -> Attack:
    spec = Spec(eps=budget.eps, steps=budget.steps, options={"step": budget.step})
    generator = torch.Generator().manual_seed(0)
    return lambda x, y: pgd.attack(net, x, y, spec=spec, generator=generator).images


def _torchattacks(net: nn.Module, budget: Budget) -> Attack:
    import torchattacks

    attack: Attack = torchattacks.PGD(
        net, eps=budget.eps, alpha=budget.step, steps=budget.steps, random_start=True
    )
    return attack


def _foolbox(net: nn.Module, budget: Budget) -> Attack:
    try:
        import foolbox
    except ModuleNotFoundError as error:
        raise Refused(
            "The bench needs foolbox; install it with: pip install 'robustgen[dev]'."
        ) from error
    attack: Any = foolbox.attacks.LinfPGD(
        abs_stepsize=budget.step, steps=budget.steps, random_start=True
    )
    target = foolbox.models.pytorch.PyTorchModel(
        net, bounds=(0, 1), device=next(net.parameters()).device
    )
    return lambda x, y: attack(target, x, y, epsilons=budget.eps)[1]
