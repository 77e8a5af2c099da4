"""The hinge losses of a discriminator and its generator."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu


def judging(real: Tensor, fake: Tensor) -> Tensor:
    """mean max(0, 1 - real) + mean max(0, 1 + fake) of logits [n], the discriminator's loss."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def deceiving(fake: Tensor) -> Tensor:
    """-mean fake of logits [n], the generator's loss."""
    return -fake.mean()
