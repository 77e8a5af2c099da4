"""What is wrong with the options that a configuration gives, by what a kind declares of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robustgen.core.options import REQUIRED, Option, declared, filled
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown


def problems(
    given: Mapping[str, Any], known: Mapping[str, Option], *, noun: str = "option"
) -> Iterator[tuple[str, str]]:
    """(name, sentence) for each option that is unknown, missing, wrong or without a meaning beside
    the others.
    """
    given = {name: value for name, value in given.items() if value is not None or name not in known}
    for name, value in given.items():
        if name not in known:
            yield (
                name,
                (f"unknown {noun}{nearest(name, known) if known else '; this kind has none.'}"),
            )
        elif not known[name].fits(value):
            yield (
                name,
                (f"must be {known[name].words()}, not {shown(value)}{_hint(known[name], value)}."),
            )
        elif why := _without_meaning(known[name], given, known):
            yield name, f"belongs to {why}; leave it out."
        elif why := (
            _barred(known[name], value, given, known)
            or _too_large(known[name], value, given, known)
            or _beside(known[name], given)
            or _order(known[name], value)
        ):
            yield name, why
    for name, option in known.items():
        meant = all(
            given.get(other, known[other].default) in values
            for other, values in option.only.items()
        )
        if name not in given and option.default is REQUIRED and meant:
            yield name, f"is missing; it must be {option.words()}."


def settled(room: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a kind with its defaults, for a Python call; wrong ones are refused."""
    known = declared(room, kind)
    for name, said in problems(given, known) if known is not None else ():
        raise Refused(f"Option {name} of kind {kind}: {said}")
    return filled(room, kind, given)


def _without_meaning(option: Option, given: Mapping[str, Any], known: Mapping[str, Option]) -> str:
    """Beside what the option has a meaning, and what stands there instead; empty where it
    has one.
    """
    for other, values in option.only.items():
        value = given.get(other, known[other].default)
        if known[other].fits(value) and value not in values:
            return f"{other} {', '.join(map(str, values))}, not to {value}"
    return ""


def _beside(option: Option, given: Mapping[str, Any]) -> str:
    if option.instead and option.instead in given:
        return f"is given beside {option.instead}; keep one of the two."
    return ""


def _order(option: Option, value: Any) -> str:
    if option.rising and list(value) != sorted(set(value)):
        return f"must rise from one to the next, not {list(value)}."
    return ""


def _barred(
    option: Option, value: Any, given: Mapping[str, Any], known: Mapping[str, Option]
) -> str:
    for other, barred in option.never.items():
        beside = given.get(other, known[other].default)
        if known[other].fits(beside) and value in barred.get(beside, ()):
            return f"must not be {value} beside {other} {beside}."
    return ""


def _too_large(
    option: Option, value: Any, given: Mapping[str, Any], known: Mapping[str, Option]
) -> str:
    other, why = option.below_option
    bound = given.get(other, known[other].default) if other else None
    if bound is None or not known[other].fits(bound) or value < bound:
        return ""
    return f"must be below {other} ({bound}), for {why}, not {value}."


def _hint(option: Option, value: Any) -> str:
    """What to write where a number is given as text, as YAML reads 1e-3 and as fractions are."""
    if option.holds is not None and isinstance(value, list | tuple) and option.holds not in value:
        return f"; {option.holds} must be among them"
    if not isinstance(value, str) or option.several or "number" not in option.type:
        return ""
    try:
        top, _, bottom = value.partition("/")
        number = float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):
        return ""
    return (
        f"; write {number:.6g}"
        if option.fits(int(number) if number.is_integer() else number)
        else ""
    )
