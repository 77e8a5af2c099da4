"""Bayesian uncertainty by dropout (Feinman et al.

2017): the variance of the softmax over passes with dropout before the linear layer, mean over
classes.

Only dropout is switched on (the review that the paper quotes let batch norms see the batch too,
which tells attacked batches from clean ones), and all images meet the same masks, so that a score
depends neither on the batch nor on the order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused


def dropout_masks(passes: int, d: int, *, p: float, generator: torch.Generator) -> Tensor:
    """Masks [passes,d] of 0 and 1/(1-p)."""
    if not 0 < p < 1:
        raise Refused(
            f"Bayesian uncertainty needs a net with dropout; this one has {p:g}. Set "
            "models.*.options.dropout to 0.2, say."
        )
    return (torch.rand(passes, d, generator=generator) >= p).float() / (1 - p)


def uncertainty(features: Tensor, linear: nn.Linear, masks: Tensor) -> Tensor:
    """BU [n]: the variance over masks [passes,d] of softmax(linear(mask * features)), mean over
    classes.
    """
    total, squares = features.new_zeros(2, len(features), linear.out_features, dtype=torch.float64)
    for mask in masks:
        p = linear(features * mask).double().softmax(dim=1)
        total = total + p
        squares = squares + p**2
    return (squares / len(masks) - (total / len(masks)) ** 2).clamp_min(0).mean(dim=1)
