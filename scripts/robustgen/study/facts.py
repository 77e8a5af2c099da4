"""Facts from the small files of a study: an absent file tells nothing, and one that cannot be read
is named on the page.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from robustgen.core.files import BadFile, damaged, read_json

FORM = "what its job writes"
# file -> keys that the report reads where they are there, and what stands there
KEYS: dict[str, dict[str, type]] = {
    "pool.json": {"shape": list, "names": list, "parts": list, "sha256": str},
    "splits.json": {"names": list, "class_counts": dict},
    "costs.json": {"command": list, "versions": dict},
}
CLAIM = {  # what the page tells of each claim
    "id", "work", "place", "sentence", "family", "attack", "statistic", "direction", "margin",
    "min_n", "not_tested", "cells",
}  # fmt: skip
CELL = {
    "dataset", "model", "axes", "n", "value", "low", "high", "p", "p_claim", "p_work", "verdict",
    "why",
}  # fmt: skip


def facts(path: Path) -> dict[str, Any]:
    """What a JSON file holds; empty where it is absent or cannot be read."""
    return _or(_map, path, {})


def claims(path: Path) -> list[dict[str, Any]]:
    """The judged claims of a file; none where it is absent or cannot be read."""
    return _or(_claims, path, [])


def history(path: Path) -> list[dict[str, str]]:
    """The epochs of a training run; none where the file is absent or cannot be read."""
    return _or(_history, path, [])


def benchmark(path: Path) -> list[dict[str, str]]:
    """The lines of a benchmark; none where the file is absent or cannot be read."""
    return _or(_benchmark, path, [])


def unreadable(folder: Path) -> list[str]:
    """A sentence per file of a study that the report reads facts from and that is there but cannot
    be read.
    """
    return [str(error) for read, path in _files(folder) if (error := _error(read, path))]


def _files(folder: Path) -> Iterator[tuple[Callable[[Path], Any], Path]]:
    """(reader, path) of every such file."""
    patterns = {
        "sources/*.json": _map,
        "data/*/*.json": _map,
        "**/costs.json": _map,
        "seals/**/*.json": _map,
        "claims/verdicts.json": _claims,
        "training/**/history.csv": _history,
        "benchmarks/**/*.tsv": _benchmark,
    }
    readers = {
        path: reader
        for pattern, reader in patterns.items()
        for path in sorted(folder.glob(pattern))
    }
    yield from ((reader, path) for path, reader in readers.items())


def _or(read: Callable[[Path], Any], path: Path, otherwise: Any) -> Any:
    try:
        return read(path) if path.exists() else otherwise
    except (BadFile, OSError):
        return otherwise


def _error(read: Callable[[Path], Any], path: Path) -> Exception | None:
    try:
        read(path)
    except (BadFile, OSError) as error:
        return error
    return None


def _map(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise damaged(path, FORM, "no map of names")
    for name, form in KEYS.get(path.name, {}).items():
        if name in content and not isinstance(content[name], form):
            raise damaged(path, FORM, f"{name} is no {form.__name__}")
    if not all(_are_numbers(counts) for counts in content.get("class_counts", {}).values()):
        raise damaged(path, FORM, "class_counts holds other things than numbers")
    return content


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, int) for value in values)


def _claims(path: Path) -> list[dict[str, Any]]:
    claims = read_json(path)
    try:
        lacking = [
            CLAIM - claim.keys() or set().union(*(CELL - cell.keys() for cell in claim["cells"]))
            for claim in claims
        ]
    except (TypeError, AttributeError) as error:
        raise damaged(path, FORM, "no list of claims") from error
    if missing := set().union(*lacking):
        raise damaged(path, FORM, f"a claim without {', '.join(sorted(missing))}")
    return list(claims)


def _history(path: Path) -> list[dict[str, str]]:
    rows = _lines(path, ",")
    try:
        _ = [(row["epoch"], *map(float, row.values())) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, FORM, f"an epoch without {error}") from error
    return rows


def _benchmark(path: Path) -> list[dict[str, str]]:
    return _lines(path, "\t")


def _lines(path: Path, delimiter: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged(path, FORM, error) from error
