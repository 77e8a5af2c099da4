"""A sweep: the cells of one attack entry, run batch by batch with step counts sharing a trajectory.

A cell is a value for each of the sweep's axes: eps, steps, and whichever options the entry sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import isclose
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.accepted import check, options_of
from robustgen.attacks.checks import checked
from robustgen.attacks.takes import EPS, STEPS, taken
from robustgen.attacks.types import Attacked, Spec
from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.core.options import declared, plain
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown
from robustgen.nets.classifier import Passes, as_classifier

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
        """Refuse an empty axis, a value given twice, and what the kind does not have or take."""
        for axis, values in self.sweep.items():
            _check_values(axis, values)
        for cell in self.cells():
            spec = self.spec(cell)
            check(taken(self.kind, spec.options), spec, axes=self.sweep)

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Sweep:
        """The sweep of a configuration's map."""
        if wrong := set(entry) - set(KEYS):
            hint = nearest(min(wrong), KEYS)
            raise Refused(f"An attack is given as {', '.join(KEYS)}, not {min(wrong)!r}{hint}")
        kind, known = entry["kind"], declared("attacks", entry["kind"]) or {}
        read = {name: option.read for name, option in known.items()} | {EPS: plain}
        swept = {
            axis: tuple(read.get(axis, _same)(value) for value in values)
            for axis, values in entry["sweep"].items()
        }
        return cls(kind, swept, entry.get("norm", "linf"), entry.get("options", {}))

    def handed(self, **more: Any) -> Sweep:
        """The sweep of an attack that is handed these options beside its own."""
        return replace(self, options={**self.options, **more})

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
        options = options_of(self.kind, {**self.options, **swept})
        return Spec(**fixed, norm=self.norm, options=options)

    def _ordered(self, cell: Cell) -> Cell:
        return {axis: cell[axis] for axis in self.axes()}


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

    def steady(cell: Cell) -> bool:
        """Whether a trajectory draws the same random numbers wherever else it is looked at."""
        return not classifier.stochastic or sweep.spec(cell).options.get("restarts", 1) == 1

    for group in sweep.trajectories():
        counts = [cell.get(STEPS, 1) for cell in group]
        longest = max(group, key=lambda cell: cell.get(STEPS, 1))
        shares = hasattr(module, "snapshots") and STEPS in sweep.sweep and steady(longest)
        shared = ask("snapshots", longest, at=tuple(counts))[0] if shares else {}
        for cell, count in zip(group, counts, strict=True):
            with blamed("Attack", sweep.kind, at=_at(cell)):
                found, spent = (shared[count], None) if shares else ask("attack", cell)
                spec = sweep.spec(cell)
                result = checked(found, images, spec, ball=getattr(module, "BALL", True))
                result = _costed(result, spent)
            yield result


def _costed(found: Attacked, spent: Passes | None) -> Attacked:
    """The attacked images with the passes that were measured, where they name none."""
    n = len(found.images)
    if spent is None:
        if found.forwards is None or found.backwards is None:
            raise Broken(
                "`snapshots` must say the forwards and backwards of each step count, for one "
                "trajectory serves them all."
            )
        return found
    forwards = spent.forwards / n if found.forwards is None else found.forwards
    backwards = spent.backwards / n if found.backwards is None else found.backwards
    return replace(found, forwards=forwards, backwards=backwards)


def _same(value: Any) -> Any:
    return value


def _at(cell: Cell) -> str:
    words = (f"{axis} {_said(value)}" for axis, value in cell.items())
    return f" at {', '.join(words)}" if cell else ""


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def _check_values(axis: str, values: tuple[Any, ...]) -> None:
    """Refuse an axis that is empty, has a value twice, or one that rows cannot hold."""
    for value in values:
        if not isinstance(value, Real | str):
            raise Refused(
                f"An attack's {axis} cannot be swept over {shown(value)}; rows hold numbers, "
                "texts, true and false."
            )
    if not values or _twice(values):
        raise Refused(
            f"An attack's {axis} must be a list of different values; it is {list(values)}."
        )


def _twice(values: tuple[Any, ...]) -> bool:
    """Whether a value stands there twice, but for rounding."""
    if all(isinstance(value, Real) for value in values):
        return any(isclose(a, b, rel_tol=1e-6) for a, b in pairwise(sorted(values)))
    return len(set(values)) < len(values)
