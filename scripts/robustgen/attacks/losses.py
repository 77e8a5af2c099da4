"""What an attack climbs, per image, from logits z [n,K]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustgen.measures.energy import energy

Loss = Callable[[Tensor], Tensor]  # logits [n,K] -> [n]


def untargeted(y: Tensor, *, lambda_: float = 0.0) -> Loss:
    """CE(z,y) + lambda E(x), eq. 10: PGD at lambda = 0, High-Energy PGD above.

    The paper's eq. 11 prints the energy outside of the gradient; the gradient here is of the whole
    sum, as in its code.
    """
    return lambda z: _with_energy(cross_entropy(z, y, reduction="none"), z, lambda_)


def targeted(t: Tensor, *, lambda_: float = 0.0) -> Loss:
    """-CE(z,t) + lambda E(x): towards class t."""
    return lambda z: _with_energy(-cross_entropy(z, t, reduction="none"), z, lambda_)


def choose_target(z: Tensor, y: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """A class other than the label: the least likely one, or a uniform draw."""
    if how == "least_likely":
        return z.scatter(1, y[:, None], torch.inf).argmin(dim=1)
    shift = torch.randint(1, z.shape[1], y.shape, generator=generator).to(y.device)
    return (y + shift) % z.shape[1]


def _with_energy(loss: Tensor, z: Tensor, lambda_: float) -> Tensor:
    return loss + lambda_ * energy(z) if lambda_ else loss
