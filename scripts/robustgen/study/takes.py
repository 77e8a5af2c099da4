"""What an attack takes, as its module declares it in TAKES and STEPS, read without importing it."""

from __future__ import annotations

from dataclasses import dataclass

from robustgen.core.literals import literal
from robustgen.core.options import filled
from robustgen.study.schema import Attack


@dataclass(frozen=True)
class Taken:
    """Norms, `eps` or `nearest`, `steps`, `start`; of a library the names of the chosen attack."""

    label: str
    names: tuple[str, ...]
    steps: int | None  # the one step count that it can have

    @property
    def norms(self) -> list[str]:
        """The norms that it is an attack in; any where it names none."""
        return [norm for norm in ("linf", "l2") if norm in self.names]


def taken(attack: Attack) -> Taken | None:
    """What an attack takes; None where its module does not say so."""
    found = literal("attacks", attack.kind, "TAKES")
    if found is None:
        return None
    if not isinstance(found, dict):
        return Taken(f"kind {attack.kind}", tuple(found), None)
    (option, by_value), *_ = found.items()
    value = str(filled("attacks", attack.kind, attack.options).get(option))
    if value not in by_value:
        return None
    steps = literal("attacks", attack.kind, "STEPS", {})
    return Taken(f"{value} of kind {attack.kind}", tuple(by_value[value]), steps.get(value))
