"""The energies of a classifier's logits z, E(x) = -logsumexp z(x) and E(x,y) = -z_y(x), with their
gradients in x.

Images are taken as they are, beyond [0,1] too, where noise leads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.nets.classifier import Classifier

Energy = Callable[[Tensor, Tensor], Tensor]  # logits [n,K], classes [n] -> energies [n]


def marginal(z: Tensor, y: Tensor) -> Tensor:
    """E(x) = -logsumexp z, whatever y."""
    del y
    return -torch.logsumexp(z, dim=1)


def joint(z: Tensor, y: Tensor) -> Tensor:
    """E(x,y) = -z_y."""
    return -z.gather(1, y[:, None])[:, 0]


ENERGIES: dict[str, Energy] = {"marginal": marginal, "joint": joint}


def gradients(net: Classifier, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """grad_x E(x) and grad_x E(x,y) [n,c,h,w], from one forward pass."""
    x, z = _logits(net, x)
    first = torch.autograd.grad(marginal(z, y).sum(), x, retain_graph=True)[0]
    return first, torch.autograd.grad(joint(z, y).sum(), x)[0]


def gradient(net: Classifier, x: Tensor, y: Tensor, energy: Energy) -> Tensor:
    """grad_x of an energy [n,c,h,w]."""
    x, z = _logits(net, x)
    return torch.autograd.grad(energy(z, y).sum(), x)[0]


def _logits(net: Classifier, x: Tensor) -> tuple[Tensor, Tensor]:
    """The images as a variable, and their logits; refused where no gradient comes back."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        z = net(x)
    if not z.requires_grad:
        raise Refused(
            "The net's scores have no gradient in the image; name a net that torch differentiates."
        )
    return x, z
