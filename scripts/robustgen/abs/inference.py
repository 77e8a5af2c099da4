"""Inference of ABS and E-ABS: for each image and class the latents that explain the image best.

min over mu and Sigma of E_{z ~ N(mu, Sigma)} [c(x, G_k(z)) - beta log D(z)] (eq. 2.6), by Adam from
the best of many candidates; where not variational, over z alone (eq. 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from robustgen.abs.candidates import Candidates, in_ball
from robustgen.abs.losses import cost
from robustgen.abs.net import Autoencoders, sampled
from robustgen.core.values import number, one_of, whole
from robustgen.training.adam import Moments

GRADIENTS = ("detached", "unrolled")
TINY = 1e-8


@dataclass(frozen=True)
class Settings:
    """What inference does; see the OPTIONS of robustgen.abs.eabs."""

    steps: int = 50
    lr: float = 0.05
    samples: int = 5
    runs: int = 1
    gradient: str = "detached"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no inference can mean."""
        whole("Inference's steps", self.steps, least=0)
        whole("Inference's samples", self.samples, least=1)
        whole("Inference's runs", self.runs, least=1)
        number("Inference's lr", self.lr, least=0)
        number("Inference's temperature", self.temperature, least=TINY)
        one_of("Inference's gradient", self.gradient, GRADIENTS)


@dataclass(frozen=True)
class Posterior:
    """Q*(z) = N(mean, diag variance) per image and class, each tensor [n,K,M]; without variance
    where inference is not variational.
    """

    mean: Tensor
    log_variance: Tensor | None

    def sampled(self, generator: torch.Generator) -> Tensor:
        """z [n,K,M]; all classes of an image share the draw."""
        if self.log_variance is None:
            return self.mean
        return sampled(self.mean, self.log_variance, generator)


class Inference:
    """The search of one model: its networks, its candidates, whether it is variational.

    `decoder` is that of the search, which may compute in a lower precision than the scores do.
    """

    def __init__(
        self, net: Autoencoders, decoder: nn.Module, cached: Candidates, *, variational: bool
    ) -> None:
        self.net, self.decoder, self.cached, self.variational = net, decoder, cached, variational

    def __call__(self, x: Tensor, settings: Settings, generator: torch.Generator) -> Posterior:
        """Q* of images x [n,c,h,w]. It is a function of x that can be differentiated where the
        gradient is unrolled, and a constant otherwise.
        """
        asked = x.requires_grad and torch.is_grad_enabled()
        unrolled = settings.gradient == "unrolled" and asked
        x = x if unrolled else x.detach()
        with torch.set_grad_enabled(unrolled):
            found = list(self._start(x, generator))
        moments = [Moments.of(one) for one in found]
        for _ in range(settings.steps):
            gradients = self._gradients(x, found, generator, unrolled)
            for place, gradient in enumerate(gradients):
                moments[place] = moments[place].after(gradient)
                found[place] = found[place] - settings.lr * moments[place].direction()
            if not self.variational:
                found[0] = in_ball(found[0])
        return self._posterior(found)

    def estimate(self, x: Tensor, q: Posterior, z: Tensor) -> Tensor:
        """c(x, G_k(z)) + prior [n,K]: the terms of l_k for latents z of q."""
        return cost(x, self.decoder(z)) + self.prior(q, z)

    def prior(self, q: Posterior, z: Tensor) -> Tensor:
        """-beta log D(z), or beta times the divergence of q from N(0, I); q has variance 1 where
        inference is not variational.
        """
        log_variance = torch.zeros_like(z) if q.log_variance is None else q.log_variance
        return self.net.prior(z, q.mean, log_variance)

    def _start(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The best candidate per image and class, the encoder's own among them."""
        means, least = self.cached.best(x.detach())
        mean, log_variance = self.net.encode(x)
        if not self.variational:
            mean = in_ball(mean)
        own = self._posterior([mean, log_variance])
        value = self.estimate(x.detach(), own, own.sampled(generator))
        better = (value < least)[:, :, None]
        mean = torch.where(better, mean, means)
        if not self.variational:
            return (mean,)
        return mean, torch.where(better, log_variance, torch.zeros_like(log_variance))

    def _posterior(self, found: list[Tensor]) -> Posterior:
        return Posterior(found[0], found[1] if self.variational else None)

    def _gradients(
        self, x: Tensor, found: list[Tensor], generator: torch.Generator, unrolled: bool
    ) -> tuple[Tensor, ...]:
        """Of the estimate at one fresh draw, for each of `found`."""
        if not unrolled:
            found = [one.detach().requires_grad_() for one in found]
        with torch.enable_grad():
            q = self._posterior(found)
            total = self.estimate(x, q, q.sampled(generator)).sum()
            return torch.autograd.grad(total, found, create_graph=unrolled)
