"""Adam as a function of tensors, whose steps can be differentiated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DECAYS = (0.9, 0.999)
TINY = 1e-8


@dataclass(frozen=True)
class Moments:
    """The running means of a gradient and of its square, after `steps` steps."""

    first: Tensor
    second: Tensor
    steps: int = 0

    @classmethod
    def of(cls, variable: Tensor) -> Moments:
        """Those before the first step."""
        return cls(torch.zeros_like(variable), torch.zeros_like(variable))

    def __getitem__(self, chosen: Tensor) -> Moments:
        return Moments(self.first[chosen], self.second[chosen], self.steps)

    def after(self, gradient: Tensor) -> Moments:
        """Those after one more gradient."""
        one, two = DECAYS
        first = one * self.first + (1 - one) * gradient
        second = two * self.second + (1 - two) * gradient**2
        return Moments(first, second, self.steps + 1)

    def direction(self) -> Tensor:
        """The first mean over the root of the second, both without their bias."""
        pairs = zip((self.first, self.second), DECAYS, strict=True)
        first, second = (mean / (1 - decay**self.steps) for mean, decay in pairs)
        # inside the root, whose derivative an unrolled gradient needs
        return first / (second + TINY**2).sqrt()
