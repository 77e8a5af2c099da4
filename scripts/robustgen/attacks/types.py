"""What an attack takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Real
from typing import Any

from torch import Tensor

from robustgen.core.contracts import Broken
from robustgen.core.refusal import Refused
from robustgen.core.values import form, number, one_of, whole
from robustgen.nets.classifier import Classifier as Classifier

NORMS = ("linf", "l2")
REL_STEP = 0.125  # of eps: a step where neither step nor rel_step is given


@dataclass(frozen=True)
class Spec:
    """One cell of an attack's sweep: budget, step count, norm, and the options of its kind."""

    eps: float = inf
    steps: int = 1
    norm: str = "linf"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no attack can mean, for an attack would take it for something else."""
        one_of("An attack's norm", self.norm, NORMS)
        whole("An attack's steps", self.steps, least=0)
        number("An attack's eps", self.eps, least=0, finite=False)
        if self.norm == "linf" and 1 < self.eps < inf:
            raise Refused(
                f"An attack's eps is {self.eps:g}, but images lie in [0,1]; write {self.eps:g}/255 "
                "for grey levels."
            )

    @property
    def step(self) -> float:
        """The size of a step in pixel units: options.step, or options.rel_step times eps."""
        step, share = self.options.get("step"), self.options.get("rel_step")
        if step is not None:
            return float(step)
        return self.eps * float(REL_STEP if share is None else share)


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
