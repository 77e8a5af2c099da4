"""Steps of fixed length against the gradient of a loss, within a Euclidean ball around their
start (Santurkar et al. 2019): the attack's loop, with another loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.balls import L2
from robustgen.attacks.loop import ascend

Loss = Callable[[Tensor], Tensor]  # images [n,c,h,w] -> [n]


@dataclass(frozen=True)
class Walk:
    """A radius, a length of steps and their number."""

    eps: float
    step: float
    steps: int

    @classmethod
    def of(cls, options: Mapping[str, Any], task: str = "") -> Walk:
        """The walk of options `eps`, `step` and `steps`, whose names may begin with a task."""
        start = f"{task}_" if task else ""
        return cls(**{name: options[f"{start}{name}"] for name in ("eps", "step", "steps")})

    def path(self, x: Tensor, loss: Loss) -> Iterator[Tensor]:
        """x_0, x_1, ...: x <- P(x - step g / |g|), where P brings back into the ball and to
        images.
        """
        ball = L2(self.eps)
        return ascend(
            x,
            gradient=_downhill(loss),
            move=lambda x, g: x + self.step * ball.steepest(g),
            project=lambda point: ball.project(point, x),
            steps=self.steps,
        )

    def end(self, x: Tensor, loss: Loss) -> Tensor:
        """The last point of the path."""
        for point in self.path(x, loss):
            x = point
        return x


def _downhill(loss: Loss) -> Callable[[Tensor], Tensor]:
    def gradient(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            total = loss(x).sum()
        return -torch.autograd.grad(total, x)[0]

    return gradient
