"""The benches: every module of the folder `pairs`, run by its name.

A bench defines `pairs(settings)`, which measures ours beside each peer, and `judge(rows)`, which
gives sentences on them and raises `Disagreement` where ours and a peer's results differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings

FOLDER = Path(__file__).parent / "pairs"


class Bench(Protocol):
    """What a module of the folder defines."""

    def pairs(self, settings: Settings) -> list[Row]: ...

    def judge(self, rows: list[Row]) -> list[str]: ...


def names() -> list[str]:
    """The benches that there are, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def load(name: str) -> Bench:
    """The bench of that name."""
    return cast(Bench, import_module(f"robustgen.bench.pairs.{name}"))


def measure(chosen: Iterable[str], settings: Settings) -> dict[str, list[Row]]:
    """The rows of each chosen bench."""
    return {name: load(name).pairs(settings) for name in chosen}


def flat(measured: dict[str, list[Row]]) -> list[Row]:
    """All rows in one list; each name tells its bench."""
    return [
        {**row, "name": f"{row['name']} ({name})"}
        for name, rows in measured.items()
        for row in rows
    ]


def judge(measured: dict[str, list[Row]]) -> list[str]:
    """What the benches say of their rows, each bench by its own rule."""
    return [said for name, rows in measured.items() for said in load(name).judge(rows)]
