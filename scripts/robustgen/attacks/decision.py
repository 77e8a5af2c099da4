"""What an attack that asks for decisions alone hears from a classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from robustgen.nets.classifier import Classifier


def fools(classifier: Classifier, x: Tensor, y: Tensor, *, eot: int = 1) -> Tensor:
    """Whether the class of the largest mean score of `eot` passes differs from the label [n]."""
    with torch.no_grad():
        z = sum((classifier(x) for _ in range(eot - 1)), classifier(x))
    return z.argmax(dim=1) != y
