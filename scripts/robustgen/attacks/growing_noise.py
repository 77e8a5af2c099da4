"""Gaussian noise of growing standard deviation, up to the largest that the budget allows."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.balls import ball
from robustgen.attacks.decision import fools
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images
from robustgen.nets.classifier import as_classifier

TAKES = ("linf", "l2", "eps", "steps")
REPEATS = ("eot",)  # options that multiply its passes
OPTIONS = {
    "reach": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": (
            "Largest standard deviation, in units of eps (linf) or of eps / sqrt(d) (l2), where d "
            "is the number of values of an image. Noise beyond the ball is projected back."
        ),
    },
    "eot": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Passes whose mean scores decide, for randomised classifiers.",
    },
}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The first misclassified of x and P(x + sigma_k n_k), k = 1, ..., steps, with
    sigma_k = sigma_steps k / steps and n_k ~ N(0,1) per value; the last where none is.

    P projects to the ball and to [0,1]. An image that is misclassified leaves the batch.
    """
    check_images(images)
    model, spec = as_classifier(classifier), accepted("growing_noise", spec)
    region, largest, eot = ball(spec.norm, spec.eps), _largest(spec, images), spec.options["eot"]
    found = images.clone()
    left = (~fools(model, images, labels, eot=eot)).nonzero()[:, 0]
    for level in range(1, spec.steps + 1):
        if not len(left):
            break
        # drawn for all images, so that no image's noise depends on which others are left
        noise = torch.randn(images.shape, generator=generator).to(images)[left]
        sigma = largest * level / spec.steps
        found[left] = x = region.project(images[left] + sigma * noise, images[left])
        left = left[~fools(model, x, labels[left], eot=eot)]
    return Attacked(found)


def _largest(spec: Spec, images: Tensor) -> float:
    """The standard deviation of the last level; in l2 n has a norm of about sqrt(d)."""
    unit = 1.0 if spec.norm == "linf" else 1 / sqrt(images[0].numel())
    return float(spec.options["reach"]) * spec.eps * unit
