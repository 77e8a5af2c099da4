"""What an attack takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from robustgen.core.contracts import Broken
from robustgen.core.refusal import Refused
from robustgen.core.values import form, number, one_of, whole

Classifier = Callable[[Tensor], Tensor]  # images [n,c,h,w] in [0,1] -> logits [n,K]
NORMS, TARGETS = ("linf", "l2"), ("none", "random", "least_likely")


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

    def __post_init__(self) -> None:
        """Refuse what no attack can mean, for an attack would take it for something else."""
        one_of("An attack's norm", self.norm, NORMS)
        one_of("An attack's target", self.target, TARGETS)
        for name, least in (("steps", 0), ("restarts", 1), ("eot", 1)):
            whole(f"An attack's {name}", getattr(self, name), least=least)
        for name in ("eps", "step"):
            number(f"An attack's {name}", getattr(self, name), least=0, finite=False)
        number("An attack's weight", self.weight)
        if self.norm == "linf" and 1 < self.eps < inf:
            raise Refused(
                f"An attack's eps is {self.eps:g}, but images lie in [0,1]; write "
                f"{self.eps:g}/255 for grey levels."
            )


@dataclass(frozen=True)
class Attacked:
    """Attacked images, whether each fools the classifier, and what that cost per image."""

    images: Tensor  # [n,c,h,w]
    success: Tensor  # bool [n]
    forwards: float
    backwards: float

    def __post_init__(self) -> None:
        """Refuse a verdict that is not one per image, and counts that are none."""
        if not (
            isinstance(self.images, Tensor)
            and self.images.is_floating_point()
            and self.images.ndim == 4
        ):
            raise Broken(
                f"attacked images must be a float tensor [n,c,h,w], not {form(self.images)}."
            )
        n, success = len(self.images), self.success
        if not isinstance(success, Tensor) or success.dtype != torch.bool or success.shape != (n,):
            raise Broken(
                f"success must be a bool tensor [{n}], one value per image, not {form(success)}."
            )
        for name in ("forwards", "backwards"):
            count = getattr(self, name)
            if not isinstance(count, Real) or not isfinite(count) or count < 0:
                raise Broken(
                    f"{name}, passes per image, must be a number of at least 0, not {count!r}."
                )
