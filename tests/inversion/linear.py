"""A generator and a distance whose inversion is known in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.gan.types import Distance, Encoder, Features, Generator, Judged, Parts, Target

K, D, SIDE, SLOTS = 3, 4, 4, 2
PIXELS = SIDE * SIDE


class Linear(Generator):
    """Images A_y (z + sum_i z_i / 10) + b_y."""

    latent, slots, classes = D, SLOTS, K

    def __init__(self) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(0)
        self.a = nn.Parameter(0.05 * torch.randn(K, PIXELS, D, generator=source), False)
        self.b = nn.Parameter(0.5 + 0.1 * torch.randn(K, PIXELS, generator=source), False)
        self.features = Flat()

    def forward(self, z: Tensor, y: Tensor, extra: Tensor | None = None) -> Tensor:
        code = z if extra is None else z + extra.sum(dim=1) / 10
        flat = torch.einsum("npd,nd->np", self.a[y], code) + self.b[y]
        return flat.reshape(-1, 1, SIDE, SIDE)

    def best(self, x: Tensor, k: int, lambda_: float, anchor: Tensor) -> tuple[Tensor, Tensor]:
        """(z* [n,d], objective [n]): arg min 4 ||x - A z - b||^2 + lambda ||z - anchor||^2, whose
        normal equations are (4 A'A + lambda) z = 4 A'(x - b) + lambda anchor.
        """
        a, flat = self.a[k], x.flatten(1) - self.b[k]
        left = 4 * a.T @ a + lambda_ * torch.eye(D)
        z = torch.linalg.solve(left, (4 * flat @ a + lambda_ * anchor).T).T
        apart = 4 * (flat - z @ a.T).pow(2).sum(dim=1)
        return z, apart + lambda_ * (z - anchor).pow(2).sum(dim=1)


class Flat(Features):
    """The pixels themselves."""

    name, resize = "pixels", "none"

    def forward(self, x: Tensor) -> Judged:
        return Judged(x.flatten(1), x.flatten(1)[:, :K])


class Pixels(Distance):
    """Pixels alone; the perceptual term is the squared difference of the means."""

    name, weight = "pixels", 0.0

    def target(self, x: Tensor) -> Target:
        return Target(x, (x.flatten(1).mean(dim=1, keepdim=True),))

    def parts(self, target: Target, x: Tensor) -> Parts:
        other = self.target(x)
        apart = 4 * (target.x - x).flatten(1).pow(2).sum(dim=1)
        return Parts(apart, (target.features[0] - other.features[0]).pow(2).sum(dim=1))


class Means(Encoder):
    """Codes that are linear in the image."""

    latent = D

    def __init__(self) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(1)
        self.w = nn.Parameter(0.1 * torch.randn(PIXELS, D, generator=source), False)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w


def pictures(n: int = 6) -> Tensor:
    """Images [n,1,4,4] that no class can draw exactly."""
    source = torch.Generator().manual_seed(2)
    return torch.rand((n, 1, SIDE, SIDE), generator=source)
