"""MAGIC (Rouhsedaghat et al. 2023): images x' that look like a source and follow a target mask, by
gradients of one classifier f. Minimised is, in each image on its own,

    w_class CE(f(x'), argmax f(x)) + w_statistics sum over taps [MSE(means) + MSE(deviations)]
    + w_mask BCE(P(x'), target) + w_l1 TV_1(v) + w_l2 TV_2(v) + w_norm ||v||_2

over v with x' = 1/2 + v/4, from v ~ N(0, I), by Adam. As in the published code, v is not clipped
during the search; images are, at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import Adam

from robustgen.nets.classifier import Plain, Tapped
from robustgen.synthesis.image_statistics import (
    Statistics,
    distance,
    statistics,
    total_variation_l1,
    total_variation_l2,
)
from robustgen.synthesis.patch_critic import BEGINS, EVERY, Critic
from robustgen.synthesis.patch_encoder import mask_loss
from robustgen.synthesis.per_source import PerSource

MIDDLE, SPREAD = 0.5, 0.25  # of pixels, as nets are given them normalised
WARM_UP = 0.05  # share of the steps in which the learning rate rises


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weights of the terms; a term of weight 0 is not computed."""

    class_: float
    statistics: float
    mask: float
    tv_l1: float
    tv_l2: float
    norm: float
    critic: float = 0.0


@dataclass(frozen=True)
class Reference:
    """What is computed of S sources once."""

    statistics: list[Statistics]  # [S,c] of each tap
    scores: Tensor  # [S,K]

    @property
    def classes(self) -> Tensor:
        """The classes [S] that the net sees in the sources."""
        return self.scores.argmax(dim=1)


@torch.no_grad()
def reference(net: Plain, x: Tensor) -> Reference:
    """The reference of sources x [S,c,h,w] in [0,1]."""
    found = net.tapped(x)
    return Reference(compared(found), found.scores)


def compared(seen: Tapped) -> list[Statistics]:
    """The statistics of the taps, of which the last stage's are left out, as in the published code:
    its means are what scores are linear in, so that they would decide the class too.
    """
    return [statistics(tap) for tap in seen.taps[:-1] or seen.taps]


@dataclass(frozen=True)
class Search:
    """The search for images [r,S,c,h,w] of r runs for each of S sources, in one flat batch."""

    net: Plain
    encoder: PerSource  # P, a network per source
    reference: Reference
    targets: Tensor  # [r,S,h,w]
    weights: Weights
    steps: int
    lr: float
    critic: Critic | None = None

    def __call__(self, v: Tensor) -> Tensor:
        """The v [r,S,c,h,w] at which the search from v ends."""
        v = v.clone().requires_grad_()
        optimizer = Adam([v], lr=self.lr)
        for step in range(self.steps):
            optimizer.param_groups[0]["lr"] = self.lr * rate(step, self.steps)
            optimizer.zero_grad(set_to_none=True)
            loss = self.losses(v).sum()
            if self.critic and step >= BEGINS * self.steps:
                loss = loss - self.weights.critic * self.critic(v).sum()
            loss.backward()
            optimizer.step()
            if self.critic and step % EVERY == 0:
                self.critic.step(v.detach())
        return v.detach()

    def losses(self, v: Tensor) -> Tensor:
        """The objective [r,S] of each image, the critic's verdict left out."""
        return torch.stack(list(self._terms(v))).sum(dim=0)

    def seen(self, v: Tensor) -> Tapped:
        """What the net shows of images, from one pass: taps [r,S,c,h,w], scores [r,S,K]."""
        found, shape = self.net.tapped(pixels(v).flatten(0, 1)), v.shape[:2]
        taps = [tap.unflatten(0, shape) for tap in found.taps]
        return Tapped(taps, found.scores.unflatten(0, shape))

    def _terms(self, v: Tensor) -> Iterator[Tensor]:
        w = self.weights
        if w.class_ or w.statistics:
            seen = self.seen(v)
            yield w.class_ * class_loss(seen.scores, self.reference.classes)
            yield w.statistics * distance(compared(seen), self.reference.statistics)
        if w.mask:
            yield w.mask * mask_loss(self.encoder(v), self.targets)
        if w.tv_l1:
            yield w.tv_l1 * total_variation_l1(v)
        if w.tv_l2:
            yield w.tv_l2 * total_variation_l2(v)
        if w.norm:
            yield w.norm * v.flatten(2).norm(dim=2)


def pixels(v: Tensor) -> Tensor:
    """The images 1/2 + v/4."""
    return MIDDLE + SPREAD * v


def normalized(x: Tensor) -> Tensor:
    """The v of images."""
    return (x - MIDDLE) / SPREAD


def class_loss(scores: Tensor, classes: Tensor) -> Tensor:
    """The cross entropy [r,S] of scores [r,S,K] and classes [S]."""
    wanted = classes.expand(scores.shape[:2]).flatten()
    found = cross_entropy(scores.flatten(0, 1), wanted, reduction="none")
    return found.unflatten(0, scores.shape[:2])


def rate(step: int, steps: int) -> float:
    """The factor of the learning rate in step 0, ..., steps - 1: a linear rise over the first 5 %
    of the steps, then half a cosine down to 0.
    """
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + cos(pi * (step - rising) / max(1, steps - rising)))
