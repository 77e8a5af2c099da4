"""A linear classifier, a small net and attacks on them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from norms import generator
from robustgen.attacks import pgd
from robustgen.attacks.types import Attacked, Spec

Function = Callable[[Tensor], Tensor]
CENTRE = torch.full((1, 1, 3, 3), 0.5)


def spec(norm: str, eps: float, **others: Any) -> Spec:
    """20 steps from the image itself; what is no field of a Spec is an option."""
    fields = {"steps": others.pop("steps", 20), "norm": norm}
    return Spec(eps, **fields, options={"step": eps / 4, "random_start": False} | others)


def wrong(classifier: Function, x: Tensor, y: int | Tensor) -> list[bool]:
    """Which images the classifier gets wrong."""
    with torch.no_grad():
        return (classifier(x).argmax(dim=1) != y).tolist()


def attacked(
    classifier: Function, x: Tensor, y: int | Tensor, cell: Spec, seed: int = 0
) -> Attacked:
    labels = torch.full((len(x),), y) if isinstance(y, int) else y
    return pgd.attack(classifier, x, labels, spec=cell, generator=generator(seed))


class Net(nn.Module):
    """A small curved classifier of K classes in double precision or single, with fixed weights."""

    def __init__(self, classes: int = 4, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        draw = generator(5)
        self.a = 2 * torch.randn(9, 12, generator=draw).to(dtype)
        self.b = torch.randn(12, classes, generator=draw).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh((x.flatten(1) - 0.5) @ self.a) @ self.b


def batch(n: int = 8, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return torch.rand(n, 1, 3, 3, generator=generator(2)).to(dtype), torch.arange(n) % 4


def gradient_of(function: Any, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]
