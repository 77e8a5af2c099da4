"""What an attack takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Real

from torch import Tensor

from robustgen.attacks.spec import NORMS as NORMS
from robustgen.attacks.spec import Spec as Spec
from robustgen.core.contracts import Broken
from robustgen.core.values import form
from robustgen.nets.classifier import Classifier as Classifier


@dataclass(frozen=True)
class Attacked:
    """Attacked images, the network passes that they cost, per image, and what the attack warns of.

    The passes are measured where an attack leaves them out; one whose trajectory serves several
    cells says what each of them would have cost by itself.
    """

    images: Tensor  # [n,c,h,w]
    forwards: float | None = None
    backwards: float | None = None
    warning: str | None = None  # "" where it finds nothing to warn of; None where it never does

    def __post_init__(self) -> None:
        """Refuse images that are none, and counts that are none."""
        x = self.images
        if not (isinstance(x, Tensor) and x.is_floating_point() and x.ndim == 4):
            raise Broken(f"attacked images must be a float tensor [n,c,h,w], not {form(x)}.")
        for name in ("forwards", "backwards"):
            count = getattr(self, name)
            if count is None:
                continue
            if not isinstance(count, Real) or not isfinite(count) or count < 0:
                raise Broken(
                    f"{name}, passes per image, must be a number of at least 0, not {count!r}."
                )
