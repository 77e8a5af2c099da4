"""Inversion of a generator (Algorithm 2 of An Ju's thesis): for each image and class the code whose
image is nearest,

    min over z and z_i of D(x, G(z, y)) + lambda (||z - anchor||^2 + sum_i ||z_i||^2),

in one flat batch over images and classes. The z_i, one for each place at which the code enters the
generator, exist in the variants that the thesis marks by +.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from robustgen.core.values import number, one_of, whole
from robustgen.gan.types import Distance, Generator, Target
from robustgen.inversion.pruning import kept_at
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
    pruned: bool = False
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
class State:
    """The pairs that are searched: their places among all, and what is known of each."""

    places: Tensor  # [m]
    variables: list[Tensor]
    moments: list[Moments]
    anchors: Tensor
    targets: Target
    y: Tensor  # classes [m]

    def __getitem__(self, chosen: Tensor) -> State:
        return State(
            self.places[chosen],
            [one[chosen] for one in self.variables],
            [one[chosen] for one in self.moments],
            self.anchors[chosen],
            self.targets[chosen],
            self.y[chosen],
        )

    def codes(self) -> Codes:
        """The codes of its pairs."""
        return _codes(self.variables, self.anchors)

    def moved(self, gradients: tuple[Tensor, ...], lr: float) -> State:
        """The state after one step of Adam."""
        moments = [one.after(g) for one, g in zip(self.moments, gradients, strict=True)]
        pairs = zip(self.variables, moments, strict=True)
        variables = [one - lr * moment.direction() for one, moment in pairs]
        return replace(self, variables=variables, moments=moments)

    def into(self, whole: list[Tensor]) -> list[Tensor]:
        """The variables of all pairs, with those of its own."""
        pairs = zip(whole, self.variables, strict=True)
        return [one.index_copy(0, self.places, mine) for one, mine in pairs]


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
        state = self._begun(x, settings)
        whole, anchors = state.variables, state.anchors
        for step in range(settings.steps):
            kept = kept_at(step, settings.steps, self.generator.classes) if settings.pruned else 0
            if kept:
                whole = state.into(whole)
                state = state[self._nearest(state, kept, len(x), settings.lambda_)]
            gradients = self._gradients(state, settings.lambda_, unrolled)
            state = state.moved(gradients, settings.lr * rate(step, settings.steps))
        return _codes(state.into(whole), anchors)

    def _begun(self, x: Tensor, settings: Settings) -> State:
        """All pairs at the start of the search."""
        start = self.start(x)
        anchors = start.anchors.flatten(0, 1)
        variables = [start.codes.flatten(0, 1)]
        if settings.plus:
            shape = (len(anchors), self.generator.slots, self.generator.latent)
            variables.append(torch.zeros(shape, device=x.device))
        with self._autocast(x):
            targets = self._targets(x)
        places, moments = torch.arange(len(anchors), device=x.device), map(Moments.of, variables)
        y = self._classes(len(x), x)
        return State(places, variables, list(moments), anchors, targets, y)

    @torch.no_grad()
    def _nearest(self, state: State, kept: int, n: int, lambda_: float) -> Tensor:
        """The places in the state of the `kept` classes of each image whose objective is least."""
        total = self._total(state, state.codes(), lambda_).reshape(n, -1)
        best = total.topk(kept, dim=1, largest=False).indices.sort(dim=1).values
        first = torch.arange(n, device=best.device)[:, None] * total.shape[1]
        return (first + best).flatten()

    def _gradients(self, state: State, lambda_: float, unrolled: bool) -> tuple[Tensor, ...]:
        """Of the objective, for each of the variables."""
        variables = state.variables
        if not unrolled:
            variables = [one.detach().requires_grad_() for one in variables]
        else:  # those that no image moves become variables in the first step
            variables = [one if one.requires_grad else one.requires_grad_() for one in variables]
        with torch.enable_grad():
            total = self._total(state, _codes(variables, state.anchors), lambda_).sum()
            return torch.autograd.grad(total, variables, create_graph=unrolled)

    def _total(self, state: State, codes: Codes, lambda_: float) -> Tensor:
        """The objective [m] of a state's pairs, in the precision of the search."""
        with self._autocast(state.anchors):
            images = self.generator(codes.z, state.y, codes.extra)
            distances = self.distance(state.targets, images)
        return distances + lambda_ * codes.strength()

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
