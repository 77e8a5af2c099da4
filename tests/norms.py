"""What the tests of balls and of attacks share: norms, a small shape, seeded generators."""

import torch
from torch import Tensor

NORMS = ("linf", "l2")
SHAPE = (2, 1, 3, 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def size(delta: Tensor, norm: str) -> Tensor:
    """The norm of each image of a difference."""
    flat = delta.flatten(1)
    return flat.abs().amax(dim=1) if norm == "linf" else flat.norm(dim=1)
