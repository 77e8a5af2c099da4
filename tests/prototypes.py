"""Classifiers whose boundaries have closed forms: one prototype image per class, negative scores,
and reconstructions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from robustgen.nets.classifier import Classifier


class Prototypes(Classifier):
    """Scores -scale ||x - p_k||^2; the reconstruction of any image by class k is p_k."""

    def __init__(self, p: Tensor, *, scale: float = 1.0) -> None:
        super().__init__()
        self.p, self.scale = p, scale  # p [K,c,h,w]

    def forward(self, x: Tensor) -> Tensor:
        return -self.scale * (self.counted(x)[:, None] - self.p).square().sum(dim=(2, 3, 4))

    def look(self, x: Tensor) -> dict[str, Any]:
        return {"scores": self(x), "reconstructions": self.p.expand(len(x), *self.p.shape)}


class Noisy(Prototypes):
    """The same for images with Gaussian noise, drawn afresh in each pass."""

    stochastic = True

    def __init__(self, p: Tensor, *, scale: float = 1.0, std: float = 0.05) -> None:
        super().__init__(p, scale=scale)
        self.std, self.generator = std, torch.Generator().manual_seed(0)

    def reseed(self, generator: torch.Generator) -> None:
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.std * torch.randn(x.shape, generator=self.generator))


def prototypes(classes: int = 3, side: int = 4, seed: int = 0) -> Tensor:
    """Images [K,1,side,side] in the middle of the cube."""
    draw = torch.Generator().manual_seed(seed)
    return 0.3 + 0.4 * torch.rand(classes, 1, side, side, generator=draw)


def near(p: Tensor, n: int, *, spread: float = 0.05, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Images [n,c,h,w] near the prototypes of their labels."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % len(p)
    return p[y] + spread * (2 * torch.rand(p[y].shape, generator=draw) - 1), y


def halfway(model: Prototypes, x: Tensor, y: Tensor) -> Tensor:
    """The distance [n,K] from x to the plane between p_y and p_k, inf for k = y:
    (||x - p_k||^2 - ||x - p_y||^2) / (2 ||p_k - p_y||).
    """
    d = -model(x) / model.scale
    apart = (model.p[y][:, None] - model.p).flatten(2).norm(dim=2)
    gap = (d - d.gather(1, y[:, None])) / (2 * apart)
    return gap.scatter(1, y[:, None], torch.inf)
