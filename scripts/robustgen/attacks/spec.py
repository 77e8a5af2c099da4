"""What an attack is told: one cell of its sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

from robustgen.core.refusal import Refused
from robustgen.core.values import number, one_of, whole

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
