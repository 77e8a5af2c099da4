"""What a kind of attack takes of an entry, as its module declares it in TAKES and STEPS.

TAKES lists the norms ("linf", "l2"), "eps" (needs a finite budget) or "nearest" (seeks the smallest
perturbation, so that eps is unbounded), "steps" (takes step counts) and "start" (can be shown after
0 steps). Where it differs between the values of one option, TAKES maps that option to them, and
STEPS the values that have one fixed step count to it. Everything else is an option.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from robustgen.attacks.types import NORMS, Spec
from robustgen.core.literals import literal
from robustgen.core.option_faults import settled
from robustgen.core.options import Option, declared
from robustgen.core.refusal import Refused

EPS, STEPS = "eps", "steps"  # the axes that are no options
HANDED = ("clean", "place")  # options that a job hands an attack that asks for them in NEEDS


@dataclass(frozen=True)
class Taken:
    """What one attack takes; `steps` is the one step count that it can have."""

    label: str
    names: tuple[str, ...]
    steps: int | None = None


def taken(kind: str, options: Mapping[str, Any]) -> Taken | None:
    """What the attack with these settled options takes; None where its module does not say so."""
    found, steps = literal("attacks", kind, "TAKES"), literal("attacks", kind, "STEPS", {})
    if found is None:
        return None
    if not isinstance(found, dict):
        return Taken(f"Kind {kind}", tuple(found))
    option, by_value = next(iter(found.items()))
    value = options[option]
    return Taken(f"{value} of kind {kind}", tuple(by_value[value]), steps.get(value))


def options_of(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a kind, for a Python call; wrong ones are refused.

    A default may be given where it has no meaning, so that the answer may be handed in again.
    """
    known = declared("attacks", kind) or {}
    told = {
        name: value
        for name, value in given.items()
        if name not in HANDED
        and not (name in known and value == known[name].default and not meant(name, given, known))
    }
    handed = {name: value for name, value in given.items() if name in HANDED}
    return settled("attacks", kind, told) | handed


def meant(name: str, options: Mapping[str, Any], known: Mapping[str, Option]) -> bool:
    """Whether an option has a meaning beside the others."""
    return name not in known or all(
        options.get(other, known[other].default) in values
        for other, values in known[name].only.items()
    )


def accepted(kind: str, spec: Spec) -> Spec:
    """The Spec with the options that have a meaning, defaults among them, after refusing what the
    kind does not take.
    """
    known = declared("attacks", kind) or {}
    options = options_of(kind, spec.options)
    check(taken(kind, options), spec)
    own = {name: value for name, value in options.items() if meant(name, options, known)}
    return replace(spec, options=own)


def check(found: Taken | None, spec: Spec, *, axes: Collection[str] = ()) -> None:
    """Refuse a norm, a budget or a step count that the attack would not use; `axes` are named."""
    if found is not None:
        _norm(found, spec)
        _budget(found, spec, named=EPS in axes)
        _steps(found, spec, named=STEPS in axes)


def _norm(found: Taken, spec: Spec) -> None:
    norms = [norm for norm in NORMS if norm in found.names]
    if norms and spec.norm not in norms:
        raise Refused(
            f"{found.label} is an attack in {norms[0]}, not in {spec.norm}; write norm: {norms[0]}."
        )


def _budget(found: Taken, spec: Spec, *, named: bool) -> None:
    if EPS in found.names:
        if spec.eps == inf:
            raise Refused(f"{found.label} needs a budget; write a finite eps.")
    elif "nearest" in found.names:
        if spec.eps != inf:
            raise Refused(
                f"{found.label} seeks the smallest perturbation and has no budget; write eps: "
                f"[unbounded], not {spec.eps:.4g}."
            )
    elif named or spec.eps != inf:
        raise Refused(f"{found.label} has no budget; leave eps out.")


def _steps(found: Taken, spec: Spec, *, named: bool) -> None:
    if STEPS in found.names:
        if spec.steps == 0 and "start" not in found.names:
            raise Refused(
                f"{found.label} cannot be shown after 0 steps; take at least 1 of its steps."
            )
    elif found.steps is None and (named or spec.steps != 1):
        raise Refused(f"{found.label} takes no steps; leave steps out.")
    elif spec.steps not in ({found.steps} if named else {1, found.steps}):
        raise Refused(
            f"{found.label} always takes {found.steps}; leave steps out, or write {found.steps} "
            f"in the place of {spec.steps}."
        )
