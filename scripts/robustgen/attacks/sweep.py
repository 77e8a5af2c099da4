"""A sweep: the cells of one attack entry, run batch by batch with step counts sharing a trajectory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.types import Attacked, Classifier, Spec
from robustgen.core import kinds


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

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Sweep:
        """The sweep of a configuration's plain map."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
        return cls(**values)

    def cells(self) -> list[Spec]:
        """One Spec per eps, weight and step count, in this order."""
        return [replace(spec, steps=steps) for spec in self.trajectories() for steps in self.steps]

    def trajectories(self) -> list[Spec]:
        """One Spec per eps and weight, with the largest step count."""
        return [self._spec(eps, weight) for eps, weight in product(self.eps, self.weight)]

    def _spec(self, eps: float, weight: float) -> Spec:
        step = self.step if self.step is not None else eps * (0.125 if self.rel_step is None else self.rel_step)
        shared = {name: getattr(self, name) for name in ("norm", "restarts", "random_start", "target", "eot", "options")}
        return Spec(eps=eps, step=step, steps=max(self.steps), weight=weight, **shared)


def run(classifier: Classifier, images: Tensor, labels: Tensor, *, sweep: Sweep, seed: int) -> Iterator[Attacked]:
    """One result per cell of the sweep; every cell starts from the same random numbers."""
    module = kinds.load("attacks", sweep.kind)
    for spec in sweep.trajectories():
        if hasattr(module, "snapshots"):
            generator = torch.Generator().manual_seed(seed)
            found = module.snapshots(classifier, images, labels, spec=spec, generator=generator, at=sweep.steps)
            yield from (found[steps] for steps in sweep.steps)
        else:
            for steps in sweep.steps:
                generator = torch.Generator().manual_seed(seed)
                yield module.attack(classifier, images, labels, spec=replace(spec, steps=steps), generator=generator)
