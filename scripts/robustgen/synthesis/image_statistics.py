"""What MAGIC compares and keeps small in images: means and deviations of feature channels, and
total variation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-5  # added to variances, whose root has no gradient at 0


@dataclass(frozen=True)
class Statistics:
    """The mean and deviation of each channel of one tap, [...,c] each."""

    means: Tensor
    deviations: Tensor


def statistics(tap: Tensor) -> Statistics:
    """The statistics of feature maps [...,c,h,w]: mean and sqrt(variance + 1e-5) over pixels."""
    variance = tap.var(dim=(-2, -1), correction=0)
    return Statistics(tap.mean(dim=(-2, -1)), (variance + TINY).sqrt())


def distance(a: Sequence[Statistics], b: Sequence[Statistics]) -> Tensor:
    """Sum over taps of the mean squared differences of means, and of deviations, [...]."""
    terms = [
        (one.means - other.means).square().mean(dim=-1)
        + (one.deviations - other.deviations).square().mean(dim=-1)
        for one, other in zip(a, b, strict=True)
    ]
    return torch.stack(terms).sum(dim=0)


def total_variation_l1(x: Tensor) -> Tensor:
    """Sum over four directions (across, down, both diagonals) of the mean |difference| [...]."""
    terms = [one.abs().mean(dim=(-3, -2, -1)) for one in _differences(x)]
    return torch.stack(terms).sum(dim=0)


def total_variation_l2(x: Tensor) -> Tensor:
    """Sum over the four directions of the Frobenius norm of the differences [...]."""
    # the norm of a constant image has no gradient at 0, hence the smallest normal number
    tiny = torch.finfo(x.dtype).tiny
    terms = [(one.square().sum(dim=(-3, -2, -1)) + tiny).sqrt() for one in _differences(x)]
    return torch.stack(terms).sum(dim=0)


def _differences(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Differences of neighbours in images [...,c,h,w]."""
    return (
        x[..., :, 1:] - x[..., :, :-1],
        x[..., 1:, :] - x[..., :-1, :],
        x[..., 1:, 1:] - x[..., :-1, :-1],
        x[..., 1:, :-1] - x[..., :-1, 1:],
    )
