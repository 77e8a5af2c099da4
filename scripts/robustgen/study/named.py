"""What a configuration names: entries that must be defined, modules that must be there, and text
that must be of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unicodedata import category

from robustgen.core import kinds
from robustgen.core.literals import constant, literal, module
from robustgen.core.options import declared
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown
from robustgen.study.plan import SORTS

LISTS = ("datasets", "models", "attacks", "detectors", "measures")  # what outputs select from
REFERENCES: dict[tuple[str, ...], str] = {  # where a name stands -> the map that must define it
    ("models", "*", "dataset"): "datasets",
    ("models", "*", "recipe"): "recipes",
    ("models", "*", "parts", "*"): "models",
    ("attacks", "*", "made_on"): "models",
    **{(place, "*", part, "*"): part for place in ("tables", "figures") for part in LISTS},
}
MODULES = {  # where a module is named -> its room
    ("datasets", "*", "kind"): "data",
    ("recipes", "*", "trainer"): "trainers",
    ("recipes", "*", "objective", "kind"): "objectives",
    ("models", "*", "kind"): "models",
    ("attacks", "*", "kind"): "attacks",
    ("detectors", "*", "kind"): "detectors",
    ("measures", "*", "kind"): "measures",
}
SEVERAL: tuple[type, ...] = (tuple, list, str)  # of texts, of which one alone may stand for itself
MEASURE: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("OF", "ON", "UNIT"), (str,)),
    **dict.fromkeys(("KEYS", "LOOKS_AT", "MADE_FROM", "MEASURED_BY"), SEVERAL),
    **dict.fromkeys(("CHUNK", "PASSES"), (int,)),
}
LITERALS: dict[str, dict[str, tuple[type, ...]]] = {  # room -> what is read of its kinds, as what
    "data": {
        **dict.fromkeys(("FURTHER", "LISTS", "SOURCES"), SEVERAL),
        **dict.fromkeys(("SIZES", "TRAIN_TEST"), (tuple, list)),
        "CHANNELS": (int,),
    },
    "models": {
        **dict.fromkeys(("PARTS", "SHOWN_WITH", "SIDE", "VIEWS"), (dict,)),
        **dict.fromkeys(("GIVES", "WEIGHTS"), (str,)),
        "SHOWS": SEVERAL,
    },
    "measures": MEASURE,
    "attacks": {
        **dict.fromkeys(("LOOKS_AT", "NEEDS", "REPEATS"), SEVERAL),
        "PRECISION": (str,),
        "STEPS": (dict,),
        "TAKES": (tuple, list, dict),
    },
    "objectives": {"INNER": (str,)},
    "trainers": {"PARTS": (dict,)},
    "detectors": MEASURE,  # of those that look into a model
    "tables": {"NEEDS": SEVERAL},
    "figures": {"NEEDS": SEVERAL, "SHOWS_DATA": (bool,)},
}
TYPES = {
    str: "a text", dict: "a map", tuple: "a list", int: "a whole number", bool: "true or false"
}  # fmt: skip
CONTROL = ("Cc", "Cs")  # Unicode's categories of control characters and of halves of characters
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def faults(raw: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each name that leads nowhere."""
    yield from _references(raw)
    yield from _outputs(raw)
    for pattern, room in MODULES.items():
        for path, value in _matches(raw, pattern):
            if isinstance(value, str) and (why := _module(room, value)):
                yield f"{path}: {why}"


def _references(raw: Mapping[str, Any]) -> Iterator[str]:
    for pattern, target in REFERENCES.items():
        known = _map(raw, target)
        for path, value in _matches(raw, pattern):
            if isinstance(value, str) and value not in known:
                yield (
                    f"{path}: {value!r} is not defined in {target}{nearest(value, map(str, known))}"
                )


def _outputs(raw: Mapping[str, Any]) -> Iterator[str]:
    known = {**_map(raw, "tables"), **_map(raw, "figures")}
    for path, value in _matches(raw, ("outputs", "*")):
        if isinstance(value, str) and value not in known:
            yield (
                f"{path}: {value!r} is defined neither in tables nor in "
                f"figures{nearest(value, map(str, known))}"
            )
    for place in ("tables", "figures"):
        for name, entry in _map(raw, place).items():
            kind = (isinstance(entry, Mapping) and entry.get("kind")) or name
            if isinstance(kind, str) and (why := _module(place, kind) or _needs(place, kind)):
                yield f"{place}.{name}.kind: {why}"


def _module(room: str, kind: str) -> str:
    """Why a module cannot be of that room; empty where it can."""
    own = "write an own module as lab.attack for the file lab/attack.py"
    if not MODULE.fullmatch(kind):
        written = re.sub(r"\.py$", "", kind).strip("./\\").replace("\\", ".").replace("/", ".")
        hint = f"write {written}" if MODULE.fullmatch(written) and "." in written else own
        return f"{kind!r} is no name of a module; {hint}."
    if "." not in kind:
        known = kinds.kinds(room)
        return "" if kind in known else f"{kind!r} is no kind of {room}{nearest(kind, known)}"
    if kinds.find(room, kind) is None:
        if kind.endswith(".py"):
            return f"{kind!r} is no name of a module; write {kind.removesuffix('.py')}."
        return (
            f"there is no module {kind}; own modules lie below the folder from which the study "
            f"is run, {Path.cwd()}."
        )
    return _functions(room, kind)


def _functions(room: str, kind: str) -> str:
    """Which function an own module lacks, or why it cannot be read."""
    try:
        found = module(room, kind)
        declared(room, kind)
        declared(room, kind, "VIEWS")
        wrong = [said for name in LITERALS[room] if (said := _form(room, kind, name))]
    except Refused as error:
        return str(error)
    if wrong:
        return wrong[0]
    if found is None or "*" in found.names or not (lacks := kinds.missing(room, found.names)):
        return ""
    functions = (" or ".join(f"`def {one}(...)`" for one in name.split("|")) for name in lacks)
    return f"{kind} must define {' and '.join(functions)}."


def _form(room: str, kind: str, name: str) -> str:
    """What is wrong with the form of a literal of an own module; empty where nothing is."""
    value = literal(room, kind, name)
    types = LITERALS[room][name]
    if value is None or isinstance(value, types):
        return ""
    wanted = " or ".join(TYPES[one] for one in types if one in TYPES)
    return f"{name} of {kind} must be {wanted}, not {shown(value)}."


def _needs(room: str, kind: str) -> str:
    """What is wrong with the NEEDS of a table's or a figure's module; it may need nothing, but must
    say so.
    """
    try:
        declared_ = literal(room, kind, "NEEDS")
        asked = constant(room, kind, "NEEDS")
    except Refused as error:
        return str(error)
    if declared_ is None:
        return (
            f"{kind} must declare NEEDS, the sorts of files it is made from, as NEEDS = "
            '("scores",).'
        )
    wrong = [sort for sort in asked if not _is_sort(sort)]
    if not wrong:
        return ""
    return (
        f"NEEDS of {kind} names {shown(wrong[0])}; sorts are {', '.join(SORTS)}, and the kinds of "
        "measures."
    )


def _is_sort(sort: object) -> bool:
    return isinstance(sort, str) and (sort in SORTS or kinds.find("measures", sort) is not None)


def texts(raw: Any, path: str = "") -> Iterator[str]:
    """Texts and keys with control characters, which no file name and no command line takes."""
    for key, value in _pairs(raw):
        place = f"{path}.{key}" if path else str(key)
        if isinstance(value, str) and any(
            category(char) in CONTROL and char != "\t" for char in value
        ):
            yield (
                f"{place}: {shown(value)} holds a line break or another control character; "
                "take it out."
            )
        yield from texts(value, place)


def _pairs(raw: Any) -> Iterable[tuple[Any, Any]]:
    """(key or place, value) of what a map or list holds; nothing for a plain value."""
    if isinstance(raw, Mapping):
        return raw.items()
    return enumerate(raw) if isinstance(raw, list | tuple) else ()


def _map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The map at `key`; empty where something else stands there, of which validation speaks."""
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _matches(raw: Any, pattern: tuple[str, ...], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every (path, value) of nested maps and lists that fits a pattern in which * stands for any
    key.
    """
    # a single name in the place of a list
    if not pattern or (pattern == ("*",) and isinstance(raw, str)):
        yield path, raw
        return
    for key, value in _pairs(raw):
        if pattern[0] in ("*", key):
            yield from _matches(value, pattern[1:], f"{path}.{key}" if path else str(key))
