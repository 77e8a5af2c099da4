"""How names and values are called in the sentences of refusals."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

LONG = 60  # characters of a value that a sentence shows


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` where a known name is near, else a list of the known ones."""
    names = sorted(known)
    found = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(names) or 'none'}."


def with_article(noun: str) -> str:
    """The noun with its article: `an encoder`."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def shown(value: Any) -> str:
    """A value as YAML users know it, cut where it is long."""
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = (
        "null" if value is None else repr(list(value)) if isinstance(value, tuple) else repr(value)
    )
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def printable(line: str) -> str:
    """A line in which line breaks and other control characters are written as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
