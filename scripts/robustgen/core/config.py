"""Reading a configuration and saying, in sentences and all at once, what is wrong with it."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from robustgen.core import kinds
from robustgen.core.refusal import Refused
from robustgen.core.schema import Study
from robustgen.core.sense import contradictions

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
MODULES = {  # where a module is named -> (room, what the module must define)
    ("datasets", "*", "kind"): ("data", "def load("),
    ("recipes", "*", "objective", "kind"): ("training.objectives", "def loss("),
    ("models", "*", "net"): ("nets", "def build("),
    ("attacks", "*", "kind"): ("attacks", "def attack("),
    ("detectors", "*", "kind"): ("detect", "def sound("),
}
MAKERS = {"tables": "def make(", "figures": "def draw("}


class ConfigError(Refused):
    """The configuration is wrong; the message lists every problem."""


def load(*paths: str | Path) -> Study:
    """The study of a YAML file with overlays: maps are merged key by key, everything else is replaced."""
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(found, Mapping):
            raise ConfigError(f"{path} must hold a map of keys, not a {type(found).__name__}.")
        merged = overlay(merged, found)
    return checked(merged)


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above`; maps are merged key by key."""
    both = dict(below)
    for key, value in above.items():
        mergeable = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = overlay(both[key], value) if mergeable else value
    return both


def checked(raw: Mapping[str, Any]) -> Study:
    """The typed study, or a ConfigError with one line per problem."""
    problems = [*_references(raw), *_outputs(raw), *_modules(raw)]
    try:
        study = Study.model_validate(dict(raw))
        problems += contradictions(study) if not problems else ()
    except ValidationError as error:
        problems = [_sentence(item) for item in error.errors()] + problems
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError("\n".join([f"The configuration has {count}:", *(f"  - {line}" for line in problems)]))
    return study


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """`; did you mean X?` where a known name is near, else a list of the known ones."""
    names = sorted(known)
    found = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(names) or 'none'}."


def _sentence(item: typing.Any) -> str:
    path, kind = ".".join(str(part) for part in item["loc"]), item["type"]
    if kind == "extra_forbidden":
        return f"{path}: unknown key{nearest(str(item['loc'][-1]), _fields(item['loc'][:-1]))}"
    if kind == "missing":
        return f"{path}: is missing and has no default."
    said = item["msg"].removeprefix("Value error, ")
    return f"{path}: {item['input']!r} is not allowed: {said[:1].lower()}{said[1:]}."


def _fields(loc: tuple[Any, ...]) -> list[str]:
    """The keys that the block at `loc` may hold."""
    block: Any = Study
    for part in loc:
        if isinstance(block, type) and issubclass(block, BaseModel):
            block = block.model_fields[str(part)].annotation
        else:
            block = typing.get_args(block)[-1]
    return list(block.model_fields) if isinstance(block, type) and issubclass(block, BaseModel) else []


def _references(raw: Mapping[str, Any]) -> Iterator[str]:
    for pattern, target in REFERENCES.items():
        known = _map(raw, target)
        for path, value in _matches(raw, pattern):
            if isinstance(value, str) and value not in known:
                yield f"{path}: {value!r} is not defined in {target}{nearest(value, known)}"


def _outputs(raw: Mapping[str, Any]) -> Iterator[str]:
    known = {**_map(raw, "tables"), **_map(raw, "figures")}
    for path, value in _matches(raw, ("outputs", "*")):
        if isinstance(value, str) and value not in known:
            yield f"{path}: {value!r} is defined neither in tables nor in figures{nearest(value, known)}"
    for place in ("tables", "figures"):
        made = kinds.kinds(place, MAKERS[place])
        for name, entry in _map(raw, place).items():
            kind = (isinstance(entry, Mapping) and entry.get("kind")) or name
            if kind not in made:
                yield f"{place}.{name}.kind: {kind!r} is no module of robustgen.{place}{nearest(str(kind), made)}"


def _modules(raw: Mapping[str, Any]) -> Iterator[str]:
    for pattern, (room, mark) in MODULES.items():
        known = kinds.kinds(room, mark)
        for path, value in _matches(raw, pattern):
            if isinstance(value, str) and "." not in value and value not in known:
                yield f"{path}: {value!r} is no module of robustgen.{room}{nearest(value, known)}"


def _map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The map at `key`; empty where something else stands there, of which validation speaks."""
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _matches(raw: Any, pattern: tuple[str, ...], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every (path, value) of nested maps and lists that fits a pattern in which * stands for any key."""
    if not pattern:
        yield path, raw
        return
    pairs = raw.items() if isinstance(raw, Mapping) else enumerate(raw) if isinstance(raw, list | tuple) else ()
    for key, value in pairs:
        if pattern[0] in ("*", key):
            yield from _matches(value, pattern[1:], f"{path}.{key}" if path else str(key))
