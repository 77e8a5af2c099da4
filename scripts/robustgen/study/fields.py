"""The values of a configuration: numbers, names and lists, each with the words by which refusals
and the reference call it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from robustgen.attacks.takes import EPS, STEPS
from robustgen.core.options import plain
from robustgen.core.words import shown

UNBOUNDED = "unbounded"
SAME = 1e-9  # numbers that differ by less than this share are equal but for rounding
HUGE = re.compile(r"e[+-]?\d{4}", re.IGNORECASE)  # exponents that would take for ever to write out
T = TypeVar("T")


@dataclass(frozen=True)
class Words:
    """What a value is called, one and several of them."""

    one: str
    several: str


def number(value: Any) -> Any:
    """A number that may be written as a fraction, such as 8/255; `unbounded` is infinity where that
    is allowed.
    """
    if value == UNBOUNDED:
        return float("inf")
    if isinstance(value, str):
        if HUGE.search(value):
            return value
        try:
            return float(Fraction(value.replace(" ", "")))
        except (ValueError, ArithmeticError):
            return value  # which is no number: the type says so
    return _no_truth(value)


def _no_truth(value: Any) -> Any:
    return str(value) if isinstance(value, bool) else value  # true is no 1


def _fractional(*, or_text: str = "", **bounds: float) -> WithJsonSchema:
    """How an editor sees such a number: within its bounds, or text with a fraction."""
    fraction = {"type": "string", "pattern": r"^\s*-?[0-9.]+\s*(/\s*[0-9.]+\s*)?$"}
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", **bounds},
                fraction,
                *([{"const": or_text}] if or_text else []),
            ]
        }
    )


def _numbers(bounds: str = "") -> Words:
    return Words(f"a number or a fraction{bounds}", f"numbers or fractions{bounds}")


def _whole(bounds: str) -> Words:
    return Words(f"a whole number {bounds}", f"whole numbers {bounds}")


Read = BeforeValidator(number)
Number = Annotated[float, Read, Field(allow_inf_nan=False), _fractional(), _numbers()]
Positive = Annotated[
    float,
    Read,
    Field(gt=0, allow_inf_nan=False),
    _fractional(exclusiveMinimum=0),
    _numbers(" above 0"),
]
# JSON has no infinity
Share = Annotated[
    float,
    Read,
    Field(gt=0, lt=1),
    _fractional(exclusiveMinimum=0, exclusiveMaximum=1),
    _numbers(" above 0 and below 1"),
]
Natural = Annotated[int, BeforeValidator(_no_truth), Field(ge=0), _whole("of at least 0")]
Count = Annotated[int, BeforeValidator(_no_truth), Field(gt=0), _whole("above 0")]
Text = Annotated[str, Strict()]
Name = Annotated[
    str,
    Strict(),
    Field(pattern=r"^[a-z][a-z0-9_]*$"),
    Words("a name of small letters, digits and _, a letter first", "names"),
]


class _OneOrMore:
    """Lets an editor accept a single value where a list is expected."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed, listed["items"]]}


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str | int | float) else value


def _different(values: tuple[T, ...]) -> tuple[T, ...]:
    for place, value in enumerate(values):
        for earlier in values[:place]:
            if value == earlier:
                raise ValueError(f"{value} is given twice; keep one")
            if _close(value, earlier):
                raise ValueError(f"{earlier} and {value} are equal but for rounding; keep one")
    return values


def _close(a: object, b: object) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=SAME)


def _present(entries: dict[str, T | None]) -> dict[str, T]:
    """A map without the keys that an overlay takes out by null."""
    return {name: value for name, value in entries.items() if value is not None}


Present = Annotated[dict[Name, T | None], AfterValidator(_present)]
# lists, in whose place a single value may be given: of at least one value, of different values,
# or of both
Several = Annotated[tuple[T, ...], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]
Selected = Annotated[
    tuple[T, ...], BeforeValidator(_listed), AfterValidator(_different), _OneOrMore()
]
Different = Annotated[
    tuple[T, ...],
    BeforeValidator(_listed),
    AfterValidator(_different),
    Field(min_length=1),
    _OneOrMore(),
]

Options = dict[str, Any]  # settings of a kind, checked by what its module declares


class WrongKeys(ValueError):
    """What is wrong with the values of some keys of a map."""

    def __init__(self, said: dict[str, str]) -> None:
        super().__init__(said)
        self.said = said


def swept(axes: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Axis -> its values, each once: eps as numbers above 0, steps as whole numbers; null takes an
    axis out, as overlays do.
    """
    values: dict[str, tuple[Any, ...]] = {}
    wrong: dict[str, str] = {}
    for axis, value in axes.items():
        try:
            values |= {axis: _values(axis, value)} if value is not None else {}
        except ValueError as error:
            wrong[axis] = str(error)
    if wrong:
        raise WrongKeys(wrong)
    return values


def _values(axis: str, value: Any) -> tuple[Any, ...]:
    given = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not given:
        raise ValueError("is empty; give at least one value")
    return _different(tuple(_on(axis, one) for one in given))


def _on(axis: str, value: Any) -> Any:
    """A value on an axis."""
    if axis == EPS:
        one = number(value)
        if isinstance(one, int | float) and one > 0:
            return one
        raise ValueError(
            f"must hold numbers or fractions above 0 or {UNBOUNDED}, not {shown(value)}"
        )
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if axis == STEPS and not whole:
        raise ValueError(f"must hold whole numbers of at least 0, not {shown(value)}")
    if not isinstance(value, int | float | str):
        raise ValueError(f"must hold numbers, texts, true or false, not {shown(value)}")
    return plain(value)


def told(values: tuple[Any, ...]) -> list[Any]:
    """The values of an axis as JSON has them, which knows no infinity."""
    return [UNBOUNDED if value == float("inf") else value for value in values]
