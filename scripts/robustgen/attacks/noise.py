"""Gaussian noise of standard deviation eps, clipped to an image: the perturbation that means no
harm, for detectors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images

BALL = False  # eps is a standard deviation, no radius
# the norm says which budgets of the data set are taken
TAKES = ("linf", "l2", "eps")
OPTIONS: dict[str, dict[str, object]] = {}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """x + eps n with n ~ N(0,1) per pixel, clipped to [0,1]."""
    check_images(images)
    eps = accepted("noise", spec).eps
    noise = torch.randn(images.shape, generator=generator, dtype=images.dtype).to(images.device)
    return Attacked((images + eps * noise).clamp_(0, 1))
