"""Attacks that know a detector: climb the cross entropy while the detector's statistic stays among
those of natural images.

The detectors are those of robustgen.measures.natural (`options.detector`: two_sided, a band of the
energy; one_class, a density of energy, largest logit and margin), fitted as the defender fits them,
on natural validation images. Where the net is fooled but the statistic s exceeds the limit, the
step lowers s; elsewhere it raises CE: switching, as in constrained optimisation. Of the whole
trajectory each image keeps the best point for the attacker: fooled and within the limit; else
fooled, with the smallest s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend, input_gradient
from robustgen.attacks.types import Attacked, Classifier, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.measures.natural import STATISTICS, halves
from robustgen.measures.scores import natural_columns

# energies, largest logits and margins of natural validation images, under options.natural
NEEDS = ("natural",)
# what it uses of an entry
TAKES = ("linf", "l2", "eps", "steps", "step", "restarts", "random_start", "eot")
OPTIONS = {
    "detector": {
        "one_of": ("two_sided", "one_class"),
        "means": "The statistic of natural images that the attack knows.",
    },
    "aim": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.2,
        "means": "Share of natural images beyond the limit that the attack keeps.",
    },
}
# share of natural images beyond the limit that the attack keeps: stricter than any detector's false
# positive rate
AIM = 0.2
FAR = 1e6  # more than any loss or statistic

Measured = Callable[[Tensor], Tensor]  # logits [n,K] -> [n]


def attack(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The best point of a trajectory of `spec.steps` steps, and of several restarts the best."""
    check_images(images)
    statistic, limit = detector(spec)
    region = ball(spec.norm, spec.eps)

    def loss(z: Tensor) -> Tensor:
        s, fooled = statistic(z), z.argmax(dim=1) != labels
        return torch.where(
            fooled & (s > limit), -s, cross_entropy(z, labels, reduction="none").double()
        )

    kept, rank = (
        images,
        torch.full(labels.shape, -torch.inf, dtype=torch.float64, device=images.device),
    )
    for _ in range(spec.restarts):
        for x in ascend(
            region.start(images, generator) if spec.random_start else images,
            gradient=input_gradient(classifier, loss, eot=spec.eot),
            move=lambda x, gradient: x + spec.step * region.steepest(gradient),
            project=lambda x: region.project(x, images),
            steps=spec.steps,
        ):
            new = _rank(_logits(classifier, x), labels, statistic, limit)
            kept = torch.where((new > rank)[:, None, None, None], x, kept)
            rank = torch.maximum(new, rank)
    success = _logits(classifier, kept).argmax(dim=1) != labels
    gradients = float(spec.steps * spec.eot * spec.restarts)
    return Attacked(
        kept,
        success,
        forwards=gradients + spec.restarts * (spec.steps + 1) + 1,
        backwards=gradients,
    )


def detector(spec: Spec) -> tuple[Measured, float]:
    """(statistic of logits, its limit), fitted on natural images as the defender does it."""
    if spec.target != "none" or spec.weight:
        raise Refused(
            "Attacks of kind evade are untargeted and have no energy term; drop target and weight."
        )
    options = {"aim": AIM, **spec.options}
    name = options.get("detector")
    if name not in STATISTICS:
        raise Refused(
            f"options.detector of an attack of kind evade is one of {', '.join(STATISTICS)}, "
            f"not {name!r}."
        )
    for_fit, for_limit = halves(options["natural"])
    statistic = STATISTICS[name].fit(for_fit)
    limit = float(np.quantile(statistic(for_limit), 1 - options["aim"]))
    return lambda z: statistic(
        {key: value.double() for key, value in natural_columns(z).items()}, torch
    ), limit


def _rank(z: Tensor, y: Tensor, statistic: Measured, limit: float) -> Tensor:
    """How good a point is for the attacker [n]: fooled and unseen by CE, above fooled by -s, above
    the rest by CE.
    """
    s, ce = statistic(z).clamp(-FAR, FAR), cross_entropy(z, y, reduction="none").double()
    fooled = z.argmax(dim=1) != y
    return torch.where(fooled, torch.where(s <= limit, 4 * FAR + ce, 2 * FAR - s), ce - 2 * FAR)


def _logits(classifier: Classifier, x: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier(x)
