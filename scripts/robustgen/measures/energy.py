"""The energy-based model inside a classifier: energies of logits z [n,K] (Beadini & Masi, eq.

7-8).
"""

from __future__ import annotations

import torch
from torch import Tensor


def energy(z: Tensor, temperature: float = 1.0) -> Tensor:
    """E_T(x) = -T log sum_k exp(z_k / T); T = 1 is the paper's eq.

    8, T is searched in the authors' code.
    """
    return -temperature * torch.logsumexp(z / temperature, dim=1)


def joint_energy(z: Tensor, y: Tensor) -> Tensor:
    """E(x,y) = -z_y."""
    return -z.gather(1, y[:, None]).squeeze(1)


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """CE = E(x,y) - E(x): the loss of a classifier is a difference of two energies."""
    return joint_energy(z, y) - energy(z)


def margin(z: Tensor, y: Tensor) -> Tensor:
    """z_y - max_{k != y} z_k: negative where the classifier errs."""
    others = z.scatter(1, y[:, None], -torch.inf).amax(dim=1)
    return z.gather(1, y[:, None]).squeeze(1) - others
