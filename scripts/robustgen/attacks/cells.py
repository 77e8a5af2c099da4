"""A sweep as data: the cells of one attack entry, which know nothing of tensors.

A cell is a value for each of the sweep's axes: eps, steps, and whichever options the entry sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import isclose
from numbers import Real
from typing import Any

from robustgen.attacks.accepted import check, options_of
from robustgen.attacks.spec import Spec
from robustgen.attacks.takes import EPS, STEPS, taken
from robustgen.core.options import declared, plain
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown

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

    def largest(self) -> int:
        """The place of the cell with the largest budget, and of those the first with most steps."""
        sizes = [(float(cell.get(EPS, 0)), float(cell.get(STEPS, 0))) for cell in self.cells()]
        return sizes.index(max(sizes))

    def spec(self, cell: Cell) -> Spec:
        """The Spec of a cell."""
        swept = {axis: value for axis, value in cell.items() if axis not in (EPS, STEPS)}
        fixed = {name: cell[name] for name in (EPS, STEPS) if name in cell}
        options = options_of(self.kind, {**self.options, **swept})
        return Spec(**fixed, norm=self.norm, options=options)

    def _ordered(self, cell: Cell) -> Cell:
        return {axis: cell[axis] for axis in self.axes()}


def _same(value: Any) -> Any:
    return value


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
