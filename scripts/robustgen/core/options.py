"""The options of a kind, as its module declares them in OPTIONS.

OPTIONS = {"k": {"type": "whole number", "least": 1, "default": 20, "means": "Neighbours that are
looked at."}}

An option without a default must be given. `only` maps another option to the values beside which
this one has a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Any

from robustgen.core.literals import Declared, module, value
from robustgen.core.refusal import Refused

REQUIRED = "(required)"
# type -> the map of the configuration that holds such an entry
ENTRIES = {
    "attack": "attacks",
    "dataset": "datasets",
    "detector": "detectors",
    "model": "models",
}
BOUNDS = {"above": "above", "least": "of at least", "below": "below", "most": "of at most"}


@dataclass(frozen=True)
class Option:
    """One option; `means` is a sentence for the reference."""

    means: str
    # text, whole number, number, true or false; or an entry of the configuration that is named:
    # attack, dataset, detector, model
    type: str = "text"
    one_of: tuple[Any, ...] = ()  # the only values
    several: bool = False  # a list of such values
    different: bool = False  # none of which stands in it twice
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    default: Any = REQUIRED
    # another option -> values of it beside which this one counts
    only: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    never: dict[str, dict[Any, tuple[Any, ...]]] = field(
        default_factory=dict
    )  # another option -> its value -> barred ones of this
    holds: Any = None  # what a list must hold
    below_option: tuple[str, str] = ("", "")  # another option that this one must be below, and why
    up_to: tuple[str, ...] = ()  # numbers of images in `evaluate` that this one must not be above
    below_each: tuple[str, ...] = ()  # numbers of images in `evaluate` that this one must be below
    among: str = ""  # `steps`: a step count of an attack that the table or figure shows
    instead: str = ""  # another option in whose place this one may be given
    folder: bool = False  # a folder of the user's own, whose files are inputs
    rising: bool = False  # a list that must rise from one to the next
    below_epochs: bool = False  # each must be below the recipe's epochs
    below_size: bool = False  # it must be below the side of the images
    radius: str = ""  # the option with the norm of the ball whose radius this is

    def words(self) -> str:
        """What a value must be: `a whole number of at least 1`."""
        if self.one_of:
            return (
                f"{'a list out of' if self.several else 'one of'} "
                f"{', '.join(map(str, self.one_of))}"
            )
        bounds = " and ".join(
            f"{word} {bound:g}"
            for name, word in BOUNDS.items()
            if (bound := getattr(self, name)) is not None
        )
        if self.several:
            named = f"names of `{ENTRIES[self.type]}`" if self.type in ENTRIES else f"{self.type}s"
            return f"a list of {'different ' if self.different else ''}{named} {bounds}".rstrip()
        if self.type in ENTRIES:
            return f"the name of one of `{ENTRIES[self.type]}`"
        return self.type if "number" not in self.type else f"a {self.type} {bounds}".rstrip()

    def fits(self, value: Any) -> bool:
        """Whether a value may be given."""
        if not self.several:
            return self._fits(value)
        if not isinstance(value, list | tuple) or not all(self._fits(one) for one in value):
            return False
        if not value:
            return isinstance(self.default, list | tuple) and not self.default
        once = len(set(value)) == len(value) or not (self.one_of or self.different)
        return once and (self.holds is None or self.holds in value)

    def _fits(self, value: Any) -> bool:
        if self.one_of:
            return any(type(value) is type(one) and value == one for one in self.one_of)
        if isinstance(value, bool):
            return self.type == "true or false"
        if self.type == "number" and isinstance(value, str):
            value = plain(value)  # a fraction such as 8/255
        if isinstance(value, int):
            return "number" in self.type and self._within(value)
        if isinstance(value, float):
            return self.type == "number" and isfinite(value) and self._within(value)
        named = self.type == "text" or self.type in ENTRIES
        return named and isinstance(value, str) and value != ""

    def meant(self, whole: Mapping[str, Any]) -> bool:
        """Whether the option has a meaning beside the values of all options."""
        return all(whole.get(other) in values for other, values in self.only.items())

    def read(self, value: Any) -> Any:
        """The value as a module gets it: a fraction as the number that it is."""
        if self.type != "number" or self.one_of:
            return value
        return [plain(one) for one in value] if self.several else plain(value)

    def _within(self, value: float) -> bool:
        above = (self.least is None or value >= self.least) and (
            self.above is None or value > self.above
        )
        return (
            above
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )


def declared(room: str, kind: str, name: str = "OPTIONS") -> Mapping[str, Option] | None:
    """The options of a kind, or another of its constants that is written like them; None where its
    module declares none, so that any may be given.
    """
    found = module(room, kind)
    return _options(found, kind, name) if found and name in found.values else None


@cache
def _options(found: Declared, kind: str, constant: str) -> Mapping[str, Option]:
    raw = value(found, constant)
    try:
        return {str(name): Option(**entry) for name, entry in raw.items()}
    except (AttributeError, TypeError) as error:
        form = '{"k": {"type": "whole number", "default": 20, "means": "..."}}'
        raise Refused(f"{constant} of {kind} must be a map such as {form} ({error}).") from error


def filled(room: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are given, and the defaults of the others that have a meaning beside them;
    null stands for the default.
    """
    known = declared(room, kind) or {}
    told = {
        name: known[name].read(value) if name in known else value
        for name, value in given.items()
        if value is not None
    }
    whole = {name: option.default for name, option in known.items()} | told
    return {
        name: value
        for name, value in whole.items()
        if name in told or (value is not REQUIRED and known[name].meant(whole))
    }


def plain(value: Any) -> Any:
    """A fraction such as 8/255 as the number that it is; anything else as it is."""
    if not isinstance(value, str) or "/" not in value:
        return value
    try:
        return float(Fraction(value.replace(" ", "")))
    except (ValueError, ArithmeticError):
        return value
