"""Inversion of a generator (Algorithm 2 of An Ju's thesis): for each image and class the code whose
image is nearest,

    min over z and z_i of D(x, G(z, y)) + lambda (||z - anchor||^2 + sum_i ||z_i||^2),

in one flat batch over images and classes. The z_i, one for each place at which the code enters the
generator, exist in the variants that the thesis marks by +.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from robustgen.core.values import number, one_of, whole
from robustgen.gan.types import Distance, Generator, Target
from robustgen.inversion.schedule import rate
from robustgen.inversion.starts import Start
from robustgen.training.adam import Moments

GRADIENTS = ("detached", "unrolled")


@dataclass(frozen=True)
class Settings:
    """What the search does; see the OPTIONS of robustgen.inversion.options."""

    steps: int = 100
    lr: float = 0.1
    lambda_: float = 1.0
    plus: bool = False
    gradient: str = "detached"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no search can mean."""
        whole("Inversion's steps", self.steps, least=0)
        number("Inversion's lr", self.lr, least=0)
        number("Inversion's lambda_", self.lambda_, least=0)
        number("Inversion's temperature", self.temperature, least=1e-8)
        one_of("Inversion's gradient", self.gradient, GRADIENTS)


@dataclass(frozen=True)
class Codes:
    """Codes of m pairs of image and class: z [m,d], and z_i [m,slots,d] where there are any."""

    z: Tensor
    extra: Tensor | None
    anchors: Tensor  # [m,d]

    def strength(self) -> Tensor:
        """R = ||z - anchor||^2 + sum_i ||z_i||^2, [m]."""
        own = (self.z - self.anchors).pow(2).sum(dim=1)
        return own if self.extra is None else own + self.extra.pow(2).sum(dim=(1, 2))


@dataclass(frozen=True)
class Objective:
    """The terms of the minimised sum, [n,K] each, with the images [n,K,c,h,w] and their codes."""

    pixels: Tensor
    perceptual: Tensor
    strength: Tensor  # R, without lambda
    total: Tensor
    images: Tensor
    codes: Tensor  # z [n,K,d]


class Starting(Protocol):
    """Where a search starts, for images [n,c,h,w]."""

    def __call__(self, x: Tensor) -> Start: ...


class Inversion:
    """The search with one generator and one distance; `dtype` is the precision in which networks
    compute while it searches. What it ends with is computed in fp32.
    """

    def __init__(
        self, generator: Generator, distance: Distance, start: Starting, dtype: torch.dtype
    ) -> None:
        self.generator, self.distance, self.start = generator, distance, start
        self.dtype = dtype

    def __call__(self, x: Tensor, settings: Settings) -> Objective:
        """The objective of images x [n,c,h,w] at the codes found. It can be differentiated for x:
        through the search where the gradient is unrolled, else with the codes held fixed.
        """
        unrolled = settings.gradient == "unrolled" and x.requires_grad and torch.is_grad_enabled()
        given = x if unrolled else x.detach()
        with torch.set_grad_enabled(unrolled):
            codes = self._search(given, settings, unrolled)
        return self.objective(x, codes, settings.lambda_)

    def objective(self, x: Tensor, codes: Codes, lambda_: float) -> Objective:
        """The terms of images x [n,c,h,w] at codes of n K pairs."""
        n, k = len(x), self.generator.classes
        images = self.generator(codes.z, self._classes(n, x), codes.extra)
        parts = self.distance.parts(self._targets(x), images)
        strength = codes.strength()
        total = parts.pixels + self.distance.weight * parts.perceptual + lambda_ * strength
        terms = (parts.pixels, parts.perceptual, strength, total, images, codes.z)
        return Objective(*(term.unflatten(0, (n, k)) for term in terms))

    def _search(self, x: Tensor, settings: Settings, unrolled: bool) -> Codes:
        """The codes after all steps of Adam."""
        start = self.start(x)
        anchors = start.anchors.flatten(0, 1)
        variables = [start.codes.flatten(0, 1)]
        if settings.plus:
            shape = (len(anchors), self.generator.slots, self.generator.latent)
            variables.append(torch.zeros(shape, device=x.device))
        with self._autocast(x):
            targets = self._targets(x)
        moments = [Moments.of(one) for one in variables]
        for step in range(settings.steps):
            gradients = self._gradients(targets, variables, anchors, settings.lambda_, unrolled)
            moments = [one.after(g) for one, g in zip(moments, gradients, strict=True)]
            lr = settings.lr * rate(step, settings.steps)
            variables = [
                one - lr * moment.direction()
                for one, moment in zip(variables, moments, strict=True)
            ]
        return _codes(variables, anchors)

    def _gradients(
        self,
        targets: Target,
        variables: list[Tensor],
        anchors: Tensor,
        lambda_: float,
        unrolled: bool,
    ) -> tuple[Tensor, ...]:
        """Of the objective, for each of the variables."""
        if not unrolled:
            variables = [one.detach().requires_grad_() for one in variables]
        else:  # those that no image moves become variables in the first step
            variables = [one if one.requires_grad else one.requires_grad_() for one in variables]
        with torch.enable_grad():
            codes = _codes(variables, anchors)
            y = self._classes(len(anchors) // self.generator.classes, anchors)
            with self._autocast(anchors):
                images = self.generator(codes.z, y, codes.extra)
                distances = self.distance(targets, images)
            total = (distances + lambda_ * codes.strength()).sum()
            return torch.autograd.grad(total, variables, create_graph=unrolled)

    def _targets(self, x: Tensor) -> Target:
        """What the distance compares with, once per image, repeated for each class."""
        pairs = torch.arange(len(x), device=x.device)
        return self.distance.target(x)[pairs.repeat_interleave(self.generator.classes)]

    def _classes(self, n: int, like: Tensor) -> Tensor:
        return torch.arange(self.generator.classes, device=like.device).repeat(n)

    def _autocast(self, like: Tensor) -> torch.autocast:
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(like.device.type, dtype=torch.bfloat16, enabled=enabled)


def _codes(variables: list[Tensor], anchors: Tensor) -> Codes:
    return Codes(variables[0], variables[1] if len(variables) > 1 else None, anchors)
