"""What a configuration names: entries that must be defined, modules that must be there, and text
that must be of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unicodedata import category

from robustgen.core import kinds
from robustgen.core.literals import constant, literal, module
from robustgen.core.options import declared
from robustgen.core.refusal import Refused
from robustgen.core.words import nearest, shown

REFERENCES: dict[tuple[str, ...], str] = {  # where a name stands -> the map that must define it
    ("models", "*", "dataset"): "datasets",
    ("models", "*", "recipe"): "recipes",
    ("models", "*", "start_from"): "models",
    ("detectors", "*", "fit"): "attacks",
    ("detectors", "*", "noise"): "attacks",
    **{
        (place, "*", part, "*"): part
        for place in ("tables", "figures")
        for part in ("datasets", "models", "attacks", "detectors")
    },
}
MODULES = {  # where a module is named -> its room
    ("datasets", "*", "kind"): "data",
    ("recipes", "*", "objective", "kind"): "objectives",
    ("models", "*", "net"): "models",
    ("attacks", "*", "kind"): "attacks",
    ("detectors", "*", "kind"): "detectors",
}
# sort of files that a table or figure is made from -> the lists of its entry that select them
SORTS = {
    "scores": ("models", "attacks"),
    "natural": ("models",),
    "detect": ("models", "attacks", "detectors"),
    "gradients": ("models",),
    "landscape": ("models", "attacks"),
    "history": ("models",),
    "data": ("datasets",),
}
LITERALS = (
    "ASKS",
    "CHANNELS",
    "LISTS",
    "NEEDS",
    "SHOWS",
    "SIDE",
    "SIZES",
    "SOURCES",
    "STEPS",
    "TAKES",
    "TRAIN_TEST",
)
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
        return (
            ""
            if kind in known
            else (f"{kind!r} is no module of robustgen.{room}{nearest(kind, known)}")
        )
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
        for name in LITERALS:
            literal(room, kind, name)
    except Refused as error:
        return str(error)
    names = found.names if found else {"*"}
    missing = [name for name in kinds.FUNCTIONS[room] if name not in names and "*" not in names]
    return (
        (f"{kind} must define {' and '.join(f'`def {name}(...)`' for name in missing)}.")
        if missing
        else ""
    )


def _needs(room: str, kind: str) -> str:
    """What is wrong with the NEEDS of a table's or a figure's module."""
    try:
        asked = constant(room, kind, "NEEDS")
    except Refused as error:
        return str(error)
    if not asked:
        return (
            f"{kind} must declare NEEDS, the sorts of files it is made from, as NEEDS = "
            '("scores",).'
        )
    wrong = [sort for sort in asked if sort not in SORTS]
    return (
        (f"NEEDS of {kind} names {shown(wrong[0])}; sorts are {', '.join(SORTS)}.") if wrong else ""
    )


def texts(raw: Any, path: str = "") -> Iterator[str]:
    """Texts and keys with control characters, which no file name and no command line takes."""
    pairs = (
        raw.items()
        if isinstance(raw, Mapping)
        else enumerate(raw)
        if isinstance(raw, list | tuple)
        else ()
    )
    for key, value in pairs:
        place = f"{path}.{key}" if path else str(key)
        if isinstance(value, str) and any(
            category(char) in CONTROL and char != "\t" for char in value
        ):
            yield (
                f"{place}: {shown(value)} holds a line break or another control character; "
                "take it out."
            )
        yield from texts(value, place)


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
    pairs = (
        raw.items()
        if isinstance(raw, Mapping)
        else enumerate(raw)
        if isinstance(raw, list | tuple)
        else ()
    )
    for key, value in pairs:
        if pattern[0] in ("*", key):
            yield from _matches(value, pattern[1:], f"{path}.{key}" if path else str(key))
