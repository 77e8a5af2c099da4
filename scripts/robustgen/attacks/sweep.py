"""A sweep: the cells of one attack entry, run batch by batch with step counts sharing a trajectory.

A cell is a value for each of the sweep's axes: eps, steps, and whichever options the entry sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import isclose
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.checks import checked
from robustgen.attacks.types import Attacked, Spec
from robustgen.core import kinds
from robustgen.core.contracts import blamed
from robustgen.core.option_faults import settled
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest
from robustgen.nets.classifier import Passes, as_classifier

EPS, STEPS = "eps", "steps"  # the axes that are no options
KEYS = ("kind", "norm", "sweep", "options")

Cell = dict[str, Any]  # axis -> value


@dataclass(frozen=True)
class Sweep:
    """An attack entry with plain values. Its cells are the product of its axes, steps innermost."""

    kind: str
    sweep: dict[str, tuple[Any, ...]]
    norm: str = "linf"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an empty axis, a value given twice, and options that the kind does not have."""
        for axis, values in self.sweep.items():
            if not values or _twice(values):
                raise Refused(
                    f"An attack's {axis} must be a list of different values; it is {list(values)}."
                )
        for cell in self.cells():
            self.spec(cell)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Sweep:
        """The sweep of a configuration's plain map."""
        if wrong := set(plain) - set(KEYS):
            known = nearest(min(wrong), KEYS)
            raise Refused(f"An attack is given as {', '.join(KEYS)}, not {min(wrong)!r}{known}")
        swept = {axis: tuple(values) for axis, values in plain["sweep"].items()}
        return cls(plain["kind"], swept, plain.get("norm", "linf"), plain.get("options", {}))

    def axes(self) -> list[str]:
        """The names of the axes: eps and steps first."""
        return sorted(self.sweep, key=lambda axis: {EPS: 0, STEPS: 1}.get(axis, 2))

    def cells(self) -> list[Cell]:
        """One cell per combination; step counts of one trajectory follow each other."""
        return [cell for group in self.trajectories() for cell in group]

    def trajectories(self) -> list[list[Cell]]:
        """The cells that differ in their step count alone, group by group."""
        outer = [axis for axis in self.axes() if axis != STEPS]
        groups = [
            dict(zip(outer, values, strict=True))
            for values in product(*(self.sweep[axis] for axis in outer))
        ]
        steps = self.sweep.get(STEPS)
        if steps is None:
            return [[self._ordered(group)] for group in groups]
        return [[self._ordered({**group, STEPS: count}) for count in steps] for group in groups]

    def spec(self, cell: Cell) -> Spec:
        """The Spec of a cell."""
        swept = {axis: value for axis, value in cell.items() if axis not in (EPS, STEPS)}
        fixed = {name: cell[name] for name in (EPS, STEPS) if name in cell}
        hidden = {name: value for name, value in self.options.items() if name in HANDED}
        told = {name: value for name, value in self.options.items() if name not in HANDED}
        options = settled("attacks", self.kind, told | swept)
        return Spec(**fixed, norm=self.norm, options=options | hidden)

    def _ordered(self, cell: Cell) -> Cell:
        return {axis: cell[axis] for axis in self.axes()}


HANDED = ("clean", "place")  # what a job hands an attack that asks for it in NEEDS


def run(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    sweep: Sweep,
    seed: int,
) -> Iterator[Attacked]:
    """One checked result per cell of the sweep; every cell starts from the same random numbers,
    its own and those of the classifier.
    """
    with blamed("Attack", sweep.kind):
        module = kinds.load("attacks", sweep.kind)
    classifier = as_classifier(classifier)

    def ask(function: str, cell: Cell, **more: Any) -> tuple[Any, Passes]:
        """The module's answer on copies, for it may work in place, and the passes per image."""
        with blamed("Attack", sweep.kind, at=_at(cell)):
            classifier.reseed(torch.Generator().manual_seed(seed + 1))
            generator = torch.Generator().manual_seed(seed)
            given, spec = (classifier, images.clone(), labels.clone()), sweep.spec(cell)
            before = classifier.passes.copy()
            found = getattr(module, function)(*given, spec=spec, generator=generator, **more)
            return found, classifier.passes - before

    for group in sweep.trajectories():
        counts = [cell.get(STEPS, 1) for cell in group]
        longest = max(group, key=lambda cell: cell.get(STEPS, 1))
        shares = hasattr(module, "snapshots") and STEPS in sweep.sweep
        shared = ask("snapshots", longest, at=tuple(counts))[0] if shares else {}
        for cell, count in zip(group, counts, strict=True):
            found, spent = (shared[count], Passes()) if shares else ask("attack", cell)
            with blamed("Attack", sweep.kind, at=_at(cell)):
                spec = sweep.spec(cell)
                result = checked(found, images, spec, ball=getattr(module, "BALL", True))
            yield _costed(result, spent)


def _costed(found: Attacked, spent: Passes) -> Attacked:
    """The attacked images with the passes that were measured, where they name none."""
    n = len(found.images)
    forwards = spent.forwards / n if found.forwards is None else found.forwards
    backwards = spent.backwards / n if found.backwards is None else found.backwards
    return Attacked(found.images, forwards, backwards)


def _at(cell: Cell) -> str:
    words = (f"{axis} {_said(value)}" for axis, value in cell.items())
    return f" at {', '.join(words)}" if cell else ""


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def _twice(values: tuple[Any, ...]) -> bool:
    """Whether a value stands there twice, but for rounding."""
    if all(isinstance(value, Real) for value in values):
        return any(isclose(a, b, rel_tol=1e-6) for a, b in pairwise(sorted(values)))
    return len(set(values)) < len(values)
