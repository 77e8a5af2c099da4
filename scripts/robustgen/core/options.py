"""The options of a kind: what its module declares in OPTIONS, and what is wrong with the values that a configuration gives.

OPTIONS = {"k": {"type": "whole number", "least": 1, "default": 20, "means": "Neighbours that are looked at."}}

An option without a default must be given. `only` maps another option to the values beside which this one has a meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from robustgen.core.literals import literal
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown

REQUIRED = "(required)"
BOUNDS = {"above": "above", "least": "of at least", "below": "below", "most": "of at most"}


@dataclass(frozen=True)
class Option:
    """One option; `means` is a sentence for the reference."""

    means: str
    type: str = "text"  # text, whole number, number, true or false
    one_of: tuple[Any, ...] = ()  # the only values
    several: bool = False  # a list of such values
    different: bool = False  # none of which stands in it twice
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    default: Any = REQUIRED
    only: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # another option -> values of it beside which this one counts
    holds: Any = None  # what a list must hold
    below_option: tuple[str, str] = ("", "")  # another option that this one must be below, and why
    up_to: tuple[str, ...] = ()  # numbers of images in `evaluate` that this one must not be above
    below_each: tuple[str, ...] = ()  # numbers of images in `evaluate` that this one must be below
    among: str = ""  # `steps`: a step count of an attack that the table or figure shows

    def words(self) -> str:
        """What a value must be: `a whole number of at least 1`."""
        if self.one_of:
            return f"{'a list out of' if self.several else 'one of'} {', '.join(map(str, self.one_of))}"
        bounds = " and ".join(f"{word} {bound:g}" for name, word in BOUNDS.items() if (bound := getattr(self, name)) is not None)
        if self.several:
            return f"a list of {'different ' if self.different else ''}{self.type}s {bounds}".rstrip()
        return self.type if "number" not in self.type else f"a {self.type} {bounds}".rstrip()

    def fits(self, value: Any) -> bool:
        """Whether a value may be given."""
        if not self.several:
            return self._fits(value)
        if not isinstance(value, list | tuple) or not value or not all(self._fits(one) for one in value):
            return False
        once = len(set(value)) == len(value) or not (self.one_of or self.different)
        return once and (self.holds is None or self.holds in value)

    def _fits(self, value: Any) -> bool:
        if self.one_of:
            return any(type(value) is type(one) and value == one for one in self.one_of)
        if isinstance(value, bool):
            return self.type == "true or false"
        if isinstance(value, int):
            return "number" in self.type and self._within(value)
        if isinstance(value, float):
            return self.type == "number" and isfinite(value) and self._within(value)
        return self.type == "text" and isinstance(value, str) and value != ""

    def _within(self, value: float) -> bool:
        above = (self.least is None or value >= self.least) and (self.above is None or value > self.above)
        return above and (self.most is None or value <= self.most) and (self.below is None or value < self.below)


def declared(room: str, kind: str) -> dict[str, Option] | None:
    """The options of a kind; None where its module declares none, so that any may be given."""
    raw = literal(room, kind, "OPTIONS")
    if room == "detect" and raw is not None:  # a detector shares its options with the measure of its name
        raw = {**raw, **literal("measures", kind, "OPTIONS", {})}
    try:
        return raw if raw is None else {str(name): Option(**entry) for name, entry in raw.items()}
    except (AttributeError, TypeError) as error:
        form = '{"k": {"type": "whole number", "default": 20, "means": "..."}}'
        raise Refused(f"OPTIONS of {kind} must be a map such as {form} ({error}).") from error


def filled(room: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are given, and the defaults of the others."""
    known = declared(room, kind) or {}
    return {name: option.default for name, option in known.items() if option.default is not REQUIRED} | dict(given)


def problems(given: Mapping[str, Any], known: Mapping[str, Option], *, noun: str = "option") -> Iterator[tuple[str, str]]:
    """(name, sentence) for each option that is unknown, missing, wrong or without a meaning beside the others."""
    for name, value in given.items():
        if name not in known:
            yield name, f"unknown {noun}{nearest(name, known) if known else '; this kind has none.'}"
        elif not known[name].fits(value):
            yield name, f"must be {known[name].words()}, not {shown(value)}{_hint(known[name], value)}."
        elif why := _without_meaning(known[name], given, known):
            yield name, f"belongs to {why}; leave it out."
        elif why := _too_large(known[name], value, given, known):
            yield name, why
    for name, option in known.items():
        meant = all(given.get(other, known[other].default) in values for other, values in option.only.items())
        if name not in given and option.default is REQUIRED and meant:
            yield name, f"is missing; it must be {option.words()}."


def _without_meaning(option: Option, given: Mapping[str, Any], known: Mapping[str, Option]) -> str:
    """Beside what the option has a meaning, and what stands there instead; empty where it has one."""
    for other, values in option.only.items():
        value = given.get(other, known[other].default)
        if known[other].fits(value) and value not in values:
            return f"{other} {', '.join(map(str, values))}, not to {value}"
    return ""


def _too_large(option: Option, value: Any, given: Mapping[str, Any], known: Mapping[str, Option]) -> str:
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
    return f"; write {number:.6g}" if option.fits(int(number) if number.is_integer() else number) else ""
