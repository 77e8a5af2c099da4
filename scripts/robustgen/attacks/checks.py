"""What every attack must give back: images of the same form, in [0,1] and in the ball."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.types import Attacked, Spec
from robustgen.core.contracts import Broken
from robustgen.core.values import form

# per pixel, and as a share of eps: how far rounding may carry an image out of its ball
ROUNDING, SLACK = 1e-6, 1e-4


def checked(found: Any, images: Tensor, spec: Spec, *, ball: bool) -> Attacked:
    """The answer of an attack on `images`; where `ball` is false, eps is no radius."""
    if not isinstance(found, Attacked):
        raise Broken(
            "an attack returns robustgen.attacks.types.Attacked(images), not "
            f"{type(found).__name__}."
        )
    _check_images(found.images, images)
    if ball:
        _check_ball(found.images.detach().to(images.device) - images, spec)
    return found


def _check_images(x: Tensor, images: Tensor) -> None:
    if (x.dtype, x.shape) != (images.dtype, images.shape):
        raise Broken(
            f"the attacked images must be {form(images)}, as the given ones, not {form(x)}."
        )
    if not x.isfinite().all():
        bad = int((~x.isfinite()).flatten(1).any(dim=1).sum())
        raise Broken(f"{bad} of {len(x)} attacked images hold NaN or infinite pixels.")
    low, high = torch.aminmax(x.detach())
    if low < 0 or high > 1:
        raise Broken(
            f"the attacked images must lie in [0,1]; they lie in [{low:.6g}, {high:.6g}]: clip "
            "them."
        )


def _check_ball(delta: Tensor, spec: Spec) -> None:
    """In linf a pixel may differ by 1e-6 + (1 + 1e-4) eps; in l2 so many roundings add up as an
    image has pixels.
    """
    flat = delta.flatten(1)
    size = flat.abs().amax(dim=1) if spec.norm == "linf" else flat.norm(dim=1)
    rounding = ROUNDING * (1 if spec.norm == "linf" else flat.shape[1] ** 0.5)
    outside = size > spec.eps * (1 + SLACK) + rounding
    if outside.any():
        raise Broken(
            f"{int(outside.sum())} of {len(size)} attacked images lie up to "
            f"{float(size.max()):.6g} from their images in "
            f"{spec.norm}, beyond eps = {spec.eps:.6g}: project them, or declare BALL = False "
            "where eps is no radius."
        )
