"""The one loop of all gradient attacks; what varies is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from robustgen.attacks.losses import Loss
from robustgen.attacks.types import Classifier


def ascend(
    x: Tensor,
    *,
    gradient: Callable[[Tensor], Tensor],
    move: Callable[[Tensor, Tensor], Tensor],
    project: Callable[[Tensor], Tensor],
    steps: int,
) -> Iterator[Tensor]:
    """The trajectory x_0, x_1, ..., x_steps with x <- project(move(x, gradient(x)))."""
    yield x
    for _ in range(steps):
        x = project(move(x, gradient(x)))
        yield x


def input_gradient(
    classifier: Classifier, loss: Loss, *, eot: int = 1
) -> Callable[[Tensor], Tensor]:
    """x -> the gradient of the loss in x, averaged over `eot` forward passes."""

    def gradient(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            total = sum((loss(classifier(x)).sum() for _ in range(eot)), x.new_zeros(()))
        return torch.autograd.grad(total / eot, x)[0]

    return gradient
