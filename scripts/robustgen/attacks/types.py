"""What an attack takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Classifier = Callable[[Tensor], Tensor]  # images [n,c,h,w] in [0,1] -> logits [n,K]


@dataclass(frozen=True)
class Spec:
    """One cell of an attack's sweep."""

    eps: float
    step: float
    steps: int
    norm: str = "linf"
    restarts: int = 1
    random_start: bool = True
    target: str = "none"
    eot: int = 1
    weight: float = 0.0  # lambda of eq. 10
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attacked:
    """Attacked images, whether each fools the classifier, and what that cost per image."""

    images: Tensor  # [n,c,h,w]
    success: Tensor  # bool [n]
    forwards: float
    backwards: float
