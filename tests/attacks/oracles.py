"""What wrapped attacks are held against: libraries called directly, and a closed form."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor, nn

from libraries import Case
from norms import generator

ROUNDING = 1e-6


class Shifted(nn.Module):
    """A classifier with its logits shifted per image by a function of them."""

    def __init__(self, model: nn.Module, shift: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.shift = model, shift

    def forward(self, x: Tensor) -> Tensor:
        z = self.model(x)
        return z - self.shift(z.detach())


def nearest(plane: Case, order: float) -> Tensor:
    """min_k (z_y - z_k) / ||w_y - w_k||_q with 1/order + 1/q = 1."""
    model, x, y = plane
    z, w = model(x).detach(), model[1].weight.data
    apart = (w[y][:, None] - w[None]).norm(p=2 if order == 2 else 1, dim=2)
    gap = (z.gather(1, y[:, None]) - z) / apart
    return gap.scatter(1, y[:, None], inf).amin(dim=1)


def directly(call: Callable[[int], Tensor], seed: int = 3) -> Tensor:
    """What the library gives after the seeding of the wrapper; it is handed the seed that is drawn
    for its own use.
    """
    with torch.random.fork_rng():
        start = int(torch.randint(2**31, (), generator=generator(seed)))
        torch.manual_seed(start)
        own = int(torch.randint(2**31, ()))
        torch.manual_seed(start)
        return call(own).detach()
