"""The loop of attacks that know a detector: climb the cross entropy while the detector's statistic
stays among those of clean images.

Where the net is fooled but the statistic s exceeds the limit, a step lowers s; elsewhere it raises
CE: switching, as in constrained optimisation. Of the whole trajectory each image keeps the best
point for the attacker: fooled and within the limit; else fooled, with the smallest s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend
from robustgen.attacks.types import Spec

FAR = 1e6  # more than any loss or statistic


@dataclass(frozen=True)
class Seen:
    """What the net and the detector make of images."""

    z: Tensor  # scores [n,K]
    s: Tensor  # the detector's statistic [n], float64

    def fooled(self, y: Tensor) -> Tensor:
        """Whether the net errs [n]."""
        return self.z.argmax(dim=1) != y

    def ce(self, y: Tensor) -> Tensor:
        """The cross entropy [n], float64."""
        return cross_entropy(self.z, y, reduction="none").double()


@dataclass(frozen=True)
class Detector:
    """A detector as an attacker knows it."""

    see: Callable[[Tensor], Seen]  # of images [n,c,h,w]; can be differentiated
    limit: float  # the statistic that is not to be exceeded


def attacked(
    detector: Detector,
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Tensor:
    """The best point [n,c,h,w] of a trajectory of `spec.steps` steps, and of several restarts the
    best.
    """
    region = ball(spec.norm, spec.eps)
    kept = images
    rank = torch.full(labels.shape, -torch.inf, dtype=torch.float64, device=images.device)
    for _ in range(options["restarts"]):
        for x in ascend(
            region.start(images, generator) if options["random_start"] else images,
            gradient=lambda x: _gradient(detector, x, labels, options["eot"]),
            move=lambda x, gradient: x + spec.step * region.steepest(gradient),
            project=lambda x: region.project(x, images),
            steps=spec.steps,
        ):
            new = _rank(detector, x, labels)
            kept = torch.where((new > rank)[:, None, None, None], x, kept)
            rank = torch.maximum(new, rank)
    return kept


def _gradient(detector: Detector, x: Tensor, y: Tensor, eot: int) -> Tensor:
    """The gradient of what a step raises, averaged over `eot` passes."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        total = sum((_loss(detector, x, y).sum() for _ in range(eot)), x.new_zeros(()))
    return torch.autograd.grad(total / eot, x)[0]


def _loss(detector: Detector, x: Tensor, y: Tensor) -> Tensor:
    """-s where the net is fooled and s exceeds the limit, CE elsewhere [n]."""
    seen = detector.see(x)
    return torch.where(seen.fooled(y) & (seen.s > detector.limit), -seen.s, seen.ce(y))


def _rank(detector: Detector, x: Tensor, y: Tensor) -> Tensor:
    """How good a point is for the attacker [n]: fooled and unseen by CE, above fooled by -s, above
    the rest by CE.
    """
    with torch.no_grad():
        seen = detector.see(x)
    s, ce = seen.s.clamp(-FAR, FAR), seen.ce(y)
    among_fooled = torch.where(s <= detector.limit, 4 * FAR + ce, 2 * FAR - s)
    return torch.where(seen.fooled(y), among_fooled, ce - 2 * FAR)
