"""Kernel density and Bayesian uncertainty (Feinman et al.

2017): two numbers per image from the features of a net.

KD: log-density of the features under those of training images of the predicted class; one
bandwidth, by cross validation. BU: variance of the softmax over passes with dropout before the
linear layer, mean over classes. Only dropout is switched on (the review that the paper quotes let
batch norms see the batch too, which tells attacked batches from clean ones), and all images meet
the same masks, so that a score depends neither on the batch nor on the order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.measures.density import bandwidth, log_density
from robustgen.measures.types import Measure, Reference
from robustgen.nets.activations import Activations, inner

PASSES = 50
LOOKS_AT = ("layers", "pooled", "linear", "dropout")  # what a net must show
OPTIONS = {
    "passes": {
        "type": "whole number",
        "least": 2,
        "default": 50,
        "means": "Passes with dropout that uncertainty is taken over.",
    },
}


def prepare(
    model: nn.Sequential,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Measure:
    """The measure, fitted on reference images; `options.passes` is the number of passes with
    dropout.
    """
    net = inner(model)
    features = np.concatenate([seen.features.cpu().numpy() for seen in reference.batches()]).astype(
        np.float64
    )
    groups = {k: features[reference.labels == k] for k in range(len(reference.names))}
    h = bandwidth(list(groups.values()))
    masks = dropout_masks(
        options.get("passes", PASSES), features.shape[1], p=net.dropout.p, generator=generator
    )

    def measure(seen: Activations, natural: Activations) -> dict[str, np.ndarray]:
        del natural
        predicted = seen.logits.argmax(dim=1).cpu().numpy()
        bu = uncertainty(seen.features, net.linear, masks.to(seen.features.device))
        return {
            "kd": _densities(seen.features.cpu().numpy(), predicted, groups, h, reference.names),
            "bu": bu.cpu().numpy(),
        }

    return measure


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
        total += p
        squares += p**2
    return (squares / len(masks) - (total / len(masks)) ** 2).clamp_min(0).mean(dim=1)


def _densities(
    features: np.ndarray,
    predicted: np.ndarray,
    groups: dict[int, np.ndarray],
    h: float,
    names: tuple[str, ...],
) -> np.ndarray:
    found = np.empty(len(features))
    for k in np.unique(predicted):
        if not len(groups[k]):
            raise Refused(
                f"No reference image is of class {names[k]!r}, which the net predicts; raise "
                "datasets.*.evaluate.reference."
            )
        mine = predicted == k
        found[mine] = log_density(features[mine].astype(np.float64), groups[k], h)
    return found
