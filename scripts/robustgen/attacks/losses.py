"""What an attack climbs, per image, from logits z [n,K]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustgen.measures.energy import energy

Loss = Callable[[Tensor], Tensor]  # logits [n,K] -> [n]


def untargeted(y: Tensor, *, lambda_: float = 0.0, of: str = "ce") -> Loss:
    """CE(z,y) + lambda E(x), eq. 10: PGD at lambda = 0, High-Energy PGD above; `of: margin` has
    the margin in the place of CE.

    The paper's eq. 11 prints the energy outside of the gradient; the gradient here is of the whole
    sum, as in its code.
    """
    return lambda z: _with_energy(HEIGHTS[of](z, y), z, lambda_)


def targeted(t: Tensor, *, lambda_: float = 0.0, of: str = "ce") -> Loss:
    """-CE(z,t) + lambda E(x): towards class t."""
    return lambda z: _with_energy(-HEIGHTS[of](z, t), z, lambda_)


def margin(z: Tensor, y: Tensor) -> Tensor:
    """m = log sum_{k != y} exp z_k - z_y [n]. CE is log(1 + e^m), whose gradient has the direction
    of m's, but rounds to zero where the label leads by more than about 100.
    """
    others = z.scatter(1, y[:, None], -torch.inf).logsumexp(dim=1)
    return others - z.gather(1, y[:, None])[:, 0]


def _cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(z, y, reduction="none")


HEIGHTS = {"ce": _cross_entropy, "margin": margin}


def choose_target(z: Tensor, y: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """A class other than the label: the least likely one, or a uniform draw."""
    if how == "least_likely":
        return z.scatter(1, y[:, None], torch.inf).argmin(dim=1)
    shift = torch.randint(1, z.shape[1], y.shape, generator=generator).to(y.device)
    return (y + shift) % z.shape[1]


def _with_energy(loss: Tensor, z: Tensor, lambda_: float) -> Tensor:
    return loss + lambda_ * energy(z) if lambda_ else loss
