"""The patch critic of MAGIC, a switch: a small Wasserstein critic per source with gradient penalty,
that tells patches of the source from those of the images that are made of it.

It has no batch norm, which would let an image's verdict depend on others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Adam

from robustgen.synthesis.per_source import Layer, PerSource

PENALTY = 0.1  # weight of (||grad D|| - 1)^2
EVERY = 5  # steps of the search for each step of the critic
BEGINS = 5 / 18  # share of the search after which it has a say
LR, BETAS = 5e-4, (0.5, 0.999)


class Critic:
    """The critics of S sources, with their optimiser; `generators` hold one per source."""

    def __init__(
        self,
        v: Tensor,  # [S,c,h,w], the sources
        *,
        width: int,
        generators: Sequence[torch.Generator],
    ) -> None:
        layers = [Layer(width, 4), Layer(2 * width, 4, 2), Layer(2 * width), Layer(1, 1, 1, 0)]
        self.generators = list(generators)
        self.net = PerSource(layers, channels=v.shape[1], generators=generators).to(v.device)
        self.v, self.optimizer = v, Adam(self.net.parameters(), lr=LR, betas=BETAS)

    def __call__(self, v: Tensor) -> Tensor:
        """The mean verdict [r,S] over the patches of images [r,S,c,h,w], high where real."""
        verdict: Tensor = self.net(v)
        return verdict.mean(dim=(2, 3, 4))

    def step(self, made: Tensor) -> None:
        """One step on the loss D(made) - D(source) + penalty, images [r,S,c,h,w]."""
        real = self.v.expand_as(made)
        loss = self(made) - self(real) + PENALTY * self._steepness(real, made)
        self.optimizer.zero_grad(set_to_none=True)
        loss.mean(dim=0).sum().backward()
        self.optimizer.step()

    def _steepness(self, real: Tensor, made: Tensor) -> Tensor:
        """(||grad D|| - 1)^2 [r,S] at random places between real and made images."""
        drawn = [torch.rand((len(made), 1, 1, 1), generator=one) for one in self.generators]
        share = torch.stack(drawn, dim=1).to(made.device)
        between = (share * real + (1 - share) * made).detach().requires_grad_()
        (slope,) = torch.autograd.grad(self(between).sum(), between, create_graph=True)
        return (slope.flatten(2).norm(dim=2) - 1).square()
