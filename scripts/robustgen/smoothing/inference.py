"""Inference of variational smoothing: for each image and class, where the noise lies that favours
the class.

All functions take a flat batch: images x [m,c,h,w], each with the class y [m] that is favoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from robustgen.attacks.balls import Linf, ball
from robustgen.attacks.loop import ascend
from robustgen.core.refusal import Refused
from robustgen.core.values import number, one_of, whole
from robustgen.nets.classifier import Classifier

TINY = 1e-12
ONE_STEP, SEVERAL = 1.25, 2.5  # step in units of eps: of a single step, and of n steps together
LR_SIGMA = 0.05  # of log sigma, where the variance is fitted too
METHODS = ("simplified", "full")
GRADIENTS = ("detached", "unrolled")


@dataclass(frozen=True)
class Settings:
    """What inference does; see the OPTIONS of robustgen.smoothing.variational."""

    eps: float
    norm: str = "linf"
    steps: int = 1
    rel_step: float | None = None
    sigma: float = 0.05
    samples: int = 5
    method: str = "simplified"
    kl: bool = False
    hard: bool = False
    gradient: str = "detached"

    def __post_init__(self) -> None:
        """Refuse what no inference can mean."""
        for name in ("eps", "sigma"):
            number(f"Variational smoothing's {name}", getattr(self, name), least=TINY)
        for name in ("steps", "samples"):
            whole(f"Variational smoothing's {name}", getattr(self, name), least=1)
        one_of("Variational smoothing's method", self.method, METHODS)
        one_of("Variational smoothing's gradient", self.gradient, GRADIENTS)
        if self.method == "full" and self.gradient == "unrolled":
            raise Refused(
                "Variational smoothing's gradient can be unrolled through the steps of method "
                "simplified alone; write method: simplified, or gradient: detached."
            )

    @property
    def step(self) -> float:
        """The size of a step in pixel units: 1.25 eps for one step, 2.5 eps / n for n."""
        share = self.rel_step or (ONE_STEP if self.steps == 1 else SEVERAL / self.steps)
        return share * self.eps


@dataclass(frozen=True)
class Noise:
    """Normal distributions of noise that favour a class, one for each item of a flat batch."""

    points: Tensor  # x + mean [m,c,h,w], images in [0,1] but where the method is full
    sigma: float | Tensor  # standard deviation, of all or [m,c,h,w]
    divergence: Tensor  # KL divergence [m] from the noise N(0, sigma^2)


def log_likelihood(base: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """log p(y|x) [m], the log-softmax of the base model's scores."""
    return log_softmax(base(x).float(), dim=1).gather(1, y[:, None])[:, 0]


def simplified(
    base: Classifier, x: Tensor, y: Tensor, start: Tensor, settings: Settings, *, unrolled: bool
) -> Noise:
    """The noise of Algorithm 5: projected steps from `start` that raise log p(y | x + mu); fixed
    variance.

    Unless `unrolled`, mu is a constant for whoever differentiates the scores.
    """
    region = ball(settings.norm, settings.eps)
    direction = _soft_sign if unrolled and isinstance(region, Linf) else region.steepest

    def gradient(z: Tensor) -> Tensor:
        z = z if unrolled and z.requires_grad else z.detach().requires_grad_()
        with torch.enable_grad():
            total = log_likelihood(base, z, y).sum()
            return torch.autograd.grad(total, z, create_graph=unrolled)[0]

    trajectory = ascend(
        start,
        gradient=gradient,
        move=lambda z, g: z + settings.step * direction(g),
        project=lambda z: region.project(z, x),
        steps=settings.steps,
    )
    z = _last(trajectory)
    mean = z - x
    points = z if unrolled else x + mean.detach()
    return Noise(points, settings.sigma, _divergence(mean / settings.sigma))


def full(
    base: Classifier,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    settings: Settings,
    *,
    generator: torch.Generator,
) -> Noise:
    """The noise of eq. 4.6: Adam raises E log p(y | x + e) - KL over mean and diagonal variance, by
    the reparameterisation e = mu + s n with a fresh n in each step. No ball bounds the mean.
    """
    centre = x.detach()
    mean = (start - centre).detach().requires_grad_()
    log_ratio = torch.zeros_like(mean, requires_grad=True)  # log(s / sigma)
    groups: list[dict[str, Any]] = [
        {"params": [mean], "lr": settings.step},
        {"params": [log_ratio], "lr": LR_SIGMA},
    ]
    adam = torch.optim.Adam(groups)
    for _ in range(settings.steps):
        n = torch.randn(mean.shape, generator=generator).to(mean)
        with torch.enable_grad():
            noisy = centre + mean + settings.sigma * log_ratio.exp() * n
            elbo = log_likelihood(base, noisy, y) - _divergence(mean / settings.sigma, log_ratio)
            mean.grad, log_ratio.grad = torch.autograd.grad(-elbo.sum(), (mean, log_ratio))
        adam.step()
    mean, log_ratio = mean.detach(), log_ratio.detach()
    sigma = settings.sigma * log_ratio.exp()
    return Noise(x + mean, sigma, _divergence(mean / settings.sigma, log_ratio))


def _divergence(mean: Tensor, log_ratio: Tensor | None = None) -> Tensor:
    """KL [m] of N(mean, diag s^2) from N(0, I), in units of sigma; s is 1 where no log s is
    given.
    """
    each = mean**2
    if log_ratio is not None:
        each = each + (2 * log_ratio).exp() - 1 - 2 * log_ratio
    return each.flatten(1).sum(dim=1) / 2


def _soft_sign(g: Tensor) -> Tensor:
    """sign(g), with the derivative of tanh(g / s) where s is the image's mean |g|: the sign's own
    derivative is 0, which would hide the step from an attack.
    """
    s = g.abs().flatten(1).mean(dim=1).clamp_min(TINY).reshape(-1, 1, 1, 1)
    soft = torch.tanh(g / s)
    return soft + (g.sign() - soft).detach()


def _last(trajectory: Iterator[Tensor]) -> Tensor:
    *_, z = trajectory
    return z
