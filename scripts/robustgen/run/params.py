"""What differs between a job's parameters before and now: names and values from the text of
Snakemake's dry run.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

NOTHING = "<nothing exclusive>"
ABSENT = object()
# of a value as printed; of what stands in front of the first difference in one that is cut
WIDTH, LEAD = 60, 20


def exclusive(text: str) -> tuple[list[Any], list[Any]]:
    """The values that only the last run had and those that only this one has; Snakemake joins their
    `repr` by commas.
    """
    said = text.partition("output: before: ")[2]
    for cut in re.finditer(" now: ", said):  # the same words may stand inside of a value
        try:
            return _values(said[: cut.start()]), _values(said[cut.end() :])
        except (ValueError, SyntaxError):
            continue
    return [], []


def changes(before: list[Any], now: list[Any], flags: dict[str, str]) -> Iterator[str]:
    """A sentence per setting that differs; `flags` are those of today's command, from which plain
    values get their names.
    """
    before, now = [_parsed(value) for value in before], [_parsed(value) for value in now]
    for old in list(before):
        for new in _partner(old, before, now):
            before.remove(old)
            now.remove(new)
            yield from _between(old, new, flags)
    yield from (
        (f"{_name(new, flags) or 'a setting'} is now {apart('', _text(new))[1]}") for new in now
    )
    lost = ((_name(old, {}) or "a setting", apart(_text(old), "")[0]) for old in before)
    yield from (f"{name} changed from {old} to the value of another setting" for name, old in lost)


def flags_of(command: str) -> dict[str, str]:
    """Flag -> its values, of a command line."""
    try:
        words = shlex.split(command.partition(" 2> ")[0])
    except ValueError:  # a value with a line break, of which only the first line is here
        return {}
    flags: dict[str, str] = {}
    flag = ""
    for word in words:
        if word.startswith("--"):
            flag, _, value = word.removeprefix("--").partition("=")
            flags[flag] = value
        elif flag:
            flags[flag] = f"{flags[flag]} {word}".strip()
    return flags


def apart(old: str, new: str) -> tuple[str, str]:
    """Two texts, long ones cut around the place where they begin to differ."""
    if max(len(old), len(new)) <= WIDTH:
        return old, new
    same = next(
        (place for place, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    start = max(0, same - LEAD)
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    return (
        ("..." if start else "")
        + text[start : start + WIDTH]
        + ("..." if len(text) > start + WIDTH else "")
    )


def _values(text: str) -> list[Any]:
    return [] if text.strip() == NOTHING else list(ast.literal_eval(f"[{text.strip()}]"))


def _parsed(value: Any) -> Any:
    """A map that is passed on as JSON, by a flag or by itself, is taken as the map, a list of one
    flag as the flag.
    """
    if isinstance(value, list) and all(str(word).startswith("--") for word in value):
        flag = " ".join(value).replace("=", " ", 1)
        inside = _parsed(flag.partition(" ")[2])
        return inside if isinstance(inside, dict) else flag
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return parsed if isinstance(parsed, dict) else value


def _partner(old: Any, before: list[Any], now: list[Any]) -> list[Any]:
    """What a value became: the map with the most keys in common, else the only one of its type,
    else the only one.
    """
    same = [new for new in now if type(new) is type(old)]
    near = [new for new in same if isinstance(old, dict) and new.keys() & old.keys()]
    if near:
        return [max(near, key=lambda new: len(new.keys() & old.keys()))]
    alone = sum(type(other) is type(old) for other in before) == 1
    return same if alone and len(same) == 1 else now if len(before) == len(now) == 1 else []


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, value before, value now) of every setting that differs between two maps."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield path, old, new
        return
    for key in sorted(old.keys() | new.keys()):
        if old.get(key, ABSENT) != new.get(key, ABSENT):
            yield from _differences(
                old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}" if path else key
            )


def _between(old: Any, new: Any, flags: dict[str, str]) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (_changed(*difference) for difference in _differences(old, new))
    else:
        yield _changed(_name(new, flags) or _name(old, {}) or "a setting", old, new)


def _changed(name: str, old: Any, new: Any) -> str:
    before, now = apart(_text(old), _text(new))
    return f"{name} changed from {before} to {now}"


def _text(value: Any) -> str:
    if value is ABSENT or value == "":
        return "nothing"
    if isinstance(value, str):
        return (value.partition(" ")[2] or "on") if value.startswith("--") else value
    return json.dumps(value)


def _name(value: Any, flags: dict[str, str]) -> str:
    """The flag that a value is passed by; empty where none, or where several would do."""
    if isinstance(value, str) and value.startswith("--"):
        return value.split(" ")[0].removeprefix("--")
    said = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    if isinstance(value, dict):
        said = json.dumps(value, sort_keys=True)
    return " or ".join(flag for flag, values in flags.items() if said and values == said)
