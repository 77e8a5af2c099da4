"""Specs that a kind of attack accepts: its options settled, its norm, budget and steps checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from robustgen.attacks.spec import Spec
from robustgen.attacks.takes import EPS, HANDED, STEPS, Taken, taken
from robustgen.core.option_faults import settled
from robustgen.core.options import Option, declared
from robustgen.core.refusal import Refused


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
    if found.norms and spec.norm not in found.norms:
        raise Refused(
            f"{_subject(found)} is an attack in {found.norms[0]}, not in {spec.norm}; write norm: "
            f"{found.norms[0]}."
        )


def _budget(found: Taken, spec: Spec, *, named: bool) -> None:
    if EPS in found.names:
        if spec.eps == inf:
            raise Refused(f"{_subject(found)} needs a budget; write a finite eps.")
    elif "nearest" in found.names:
        if spec.eps != inf:
            raise Refused(
                f"{_subject(found)} seeks the smallest perturbation and has no budget; write eps: "
                f"[unbounded], not {spec.eps:.4g}."
            )
    elif named or spec.eps != inf:
        raise Refused(f"{_subject(found)} has no budget; leave eps out.")


def _steps(found: Taken, spec: Spec, *, named: bool) -> None:
    if STEPS in found.names:
        if spec.steps == 0 and "start" not in found.names:
            raise Refused(
                f"{_subject(found)} cannot be shown after 0 steps; take at least 1 of its steps."
            )
    elif found.steps is None and (named or spec.steps != 1):
        raise Refused(f"{_subject(found)} takes no steps; leave steps out.")
    elif spec.steps not in ({found.steps} if named else {1, found.steps}):
        raise Refused(
            f"{_subject(found)} always takes {found.steps}; leave steps out, or write "
            f"{found.steps} in the place of {spec.steps}."
        )


def _subject(found: Taken) -> str:
    """The attack at the beginning of a sentence."""
    return found.label[0].upper() + found.label[1:]
