"""A sweep: the cells of one attack entry, run batch by batch with step counts sharing a
trajectory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import isclose
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.checks import checked
from robustgen.attacks.types import Attacked, Classifier, Spec
from robustgen.core import kinds
from robustgen.core.contracts import blamed
from robustgen.core.refusal import Refused


@dataclass(frozen=True)
class Sweep:
    """An attack entry with plain values: its cells are eps x weight x steps."""

    kind: str
    eps: tuple[float, ...]
    steps: tuple[int, ...]
    weight: tuple[float, ...] = (0.0,)
    step: float | None = None
    rel_step: float | None = None
    norm: str = "linf"
    restarts: int = 1
    random_start: bool = True
    target: str = "none"
    eot: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an empty axis and a value given twice, whose images would be counted twice."""
        for name in ("eps", "steps", "weight"):
            values = getattr(self, name)
            if not values or any(isclose(a, b, rel_tol=1e-6) for a, b in pairwise(sorted(values))):
                raise Refused(
                    f"An attack's {name} must be a list of different values; it is {list(values)}."
                )

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Sweep:
        """The sweep of a configuration's plain map."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
        }
        return cls(**values)

    def cells(self) -> list[Spec]:
        """One Spec per eps, weight and step count, in this order."""
        return [replace(spec, steps=steps) for spec in self.trajectories() for steps in self.steps]

    def trajectories(self) -> list[Spec]:
        """One Spec per eps and weight, with the largest step count."""
        return [self._spec(eps, weight) for eps, weight in product(self.eps, self.weight)]

    def _spec(self, eps: float, weight: float) -> Spec:
        step = (
            self.step
            if self.step is not None
            else eps * (0.125 if self.rel_step is None else self.rel_step)
        )
        shared = {
            name: getattr(self, name)
            for name in ("norm", "restarts", "random_start", "target", "eot", "options")
        }
        return Spec(eps=eps, step=step, steps=max(self.steps), weight=weight, **shared)


def run(
    classifier: Classifier, images: Tensor, labels: Tensor, *, sweep: Sweep, seed: int
) -> Iterator[Attacked]:
    """One checked result per cell of the sweep; every cell starts from the same random numbers."""
    with blamed("Attack", sweep.kind):
        module = kinds.load("attacks", sweep.kind)

    def ask(function: str, spec: Spec, **more: Any) -> Any:
        """The module's answer on copies, for it may work in place."""
        with blamed("Attack", sweep.kind, at=_at(spec)):
            generator = torch.Generator().manual_seed(seed)
            given = (classifier, images.clone(), labels.clone())
            return getattr(module, function)(*given, spec=spec, generator=generator, **more)

    for spec in sweep.trajectories():
        cells = [replace(spec, steps=steps) for steps in sweep.steps]
        shared = ask("snapshots", spec, at=sweep.steps) if hasattr(module, "snapshots") else None
        for cell in cells:
            with blamed("Attack", sweep.kind, at=_at(cell)):
                found = ask("attack", cell) if shared is None else shared[cell.steps]
                result = checked(found, images, cell, ball=getattr(module, "BALL", True))
            yield result


def _at(spec: Spec) -> str:
    return f" at eps {spec.eps:.6g}, {spec.steps} steps, weight {spec.weight:g}"
