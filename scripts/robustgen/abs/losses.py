"""The terms of ABS and E-ABS (eq. 2.2 to 2.6 of An Ju's thesis): cost, prior and discrimination."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid


def cost(x: Tensor, images: Tensor) -> Tensor:
    """c = ||x - G(z)||^2 [n,G], summed over pixels, of images x [n,c,h,w] (or [n,G,c,h,w]) and
    reconstructions [n,G,c,h,w]; in the precision of x.
    """
    x = x[:, None] if x.ndim == 4 else x
    return ((x - images.to(x.dtype)) ** 2).flatten(2).sum(dim=2)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence [n,G] of N(mean, diag variance) from N(0, I)."""
    each = mean**2 + log_variance.exp() - 1 - log_variance
    return each.sum(dim=2) / 2


def disbelief(logits: Tensor) -> Tensor:
    """-log D(z) of the discriminator's logits."""
    return -logsigmoid(logits)


def discrimination(costs: Tensor, labels: Tensor) -> Tensor:
    """-log exp(-c_y) / sum_k exp(-c_k), the mean over a batch of costs [n,K] (eq. 2.4)."""
    return cross_entropy(-costs, labels)


def deception(prior: Tensor, *encoded: Tensor) -> Tensor:
    """The discriminators' loss: -log D(prior) - log(1 - D(encoded)), of logits [n,G]; of several
    sorts of encoded latents the mean.
    """
    false = torch.stack([-logsigmoid(-logits).mean() for logits in encoded]).mean()
    return false - logsigmoid(prior).mean()
