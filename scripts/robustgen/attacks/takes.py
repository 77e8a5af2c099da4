"""What a kind of attack takes of an entry, as its module declares it in TAKES and STEPS.

TAKES lists the norms ("linf", "l2"), "eps" (needs a finite budget) or "nearest" (seeks the smallest
perturbation, so that eps is unbounded), "steps" (takes step counts) and "start" (can be shown after
0 steps). Where it differs between the values of one option, TAKES maps that option to them, and
STEPS the values that have one fixed step count to it. Everything else is an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustgen.core.literals import literal

EPS, STEPS = "eps", "steps"  # the axes that are no options
NORMS = ("linf", "l2")
HANDED = (
    "clean",
    "learnt",
    "place",
    "stages",
)  # options that a job hands an attack that asks for them in NEEDS


@dataclass(frozen=True)
class Taken:
    """What one attack takes; `steps` is the one step count that it can have."""

    label: str
    names: tuple[str, ...]
    steps: int | None = None

    @property
    def norms(self) -> list[str]:
        """The norms that it is an attack in; none where any will do."""
        return [norm for norm in NORMS if norm in self.names]


def taken(kind: str, options: Mapping[str, Any]) -> Taken | None:
    """What the attack with these options takes; None where its module does not say so."""
    found, steps = literal("attacks", kind, "TAKES"), literal("attacks", kind, "STEPS", {})
    if found is None:
        return None
    if not isinstance(found, dict):
        return Taken(f"kind {kind}", tuple(found))
    option, by_value = next(iter(found.items()))
    value = str(options.get(option))
    if value not in by_value:
        return None
    return Taken(f"{value} of kind {kind}", tuple(by_value[value]), steps.get(value))
