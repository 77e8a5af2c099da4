"""Balls of an attack, by norm: where it may start, which way is steepest, how it is brought
back.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-12


@dataclass(frozen=True)
class Linf:
    """All points whose every pixel differs by at most eps."""

    eps: float

    def start(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A uniform point of the ball."""
        noise = torch.rand(x.shape, generator=generator).to(x.device)
        return (x + self.eps * (2 * noise - 1)).clamp_(0, 1)

    def steepest(self, gradient: Tensor) -> Tensor:
        """sign(g)."""
        return gradient.sign()

    def project(self, x: Tensor, centre: Tensor) -> Tensor:
        """The nearest point of the ball around `centre` that is an image."""
        return (centre + (x - centre).clamp_(-self.eps, self.eps)).clamp_(0, 1)


@dataclass(frozen=True)
class L2:
    """All points within Euclidean distance eps."""

    eps: float

    def start(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A uniform point of the ball: a normal direction, a radius eps u^(1/d)."""
        direction = torch.randn(x.shape, generator=generator)
        radius = torch.rand(len(x), 1, 1, 1, generator=generator) ** (1 / x[0].numel())
        return (x + (self.eps * radius * direction / _norm(direction)).to(x.device)).clamp_(0, 1)

    def steepest(self, gradient: Tensor) -> Tensor:
        """g / |g|, and 0 where g is 0; scaled first, for on confident images |g| is tiny and its
        square would vanish.
        """
        largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
        scaled = gradient / largest.clamp_min(torch.finfo(gradient.dtype).tiny)
        return scaled / _norm(scaled).clamp_min(TINY)

    def project(self, x: Tensor, centre: Tensor) -> Tensor:
        """The nearest point of the ball around `centre`, clipped to an image (which stays in the
        ball).
        """
        delta = x - centre
        return (centre + delta * (self.eps / _norm(delta).clamp_min(TINY)).clamp_max(1)).clamp_(
            0, 1
        )


def ball(norm: str, eps: float) -> Linf | L2:
    """The ball of that name and radius."""
    return Linf(eps) if norm == "linf" else L2(eps)


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
