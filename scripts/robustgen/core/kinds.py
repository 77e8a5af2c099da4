"""Kinds: the modules of a room that a configuration may name, found by their place and loaded only
when used.

A new attack, net or data set is a new file; no list of them is kept anywhere, so adding one changes
nobody's digest.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from robustgen.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = {  # room -> what a module of it defines
    "data": ("load",),
    "nets": ("build",),
    "measures": ("prepare",),
    "attacks": ("attack",),
    "training.objectives": ("loss", "correct"),
    "detect": ("sound",),
    "tables": ("make",),
    "figures": ("draw",),
}


def module_name(room: str, kind: str) -> str:
    """`pgd` in room `attacks` is robustgen.attacks.pgd; a name with a dot is a module of the user's
    own.
    """
    return kind if "." in kind else f"robustgen.{room}.{kind}"


def load(room: str, kind: str) -> ModuleType:
    """The module of that kind, imported now."""
    _reach()
    try:
        return import_module(module_name(room, kind))
    except ModuleNotFoundError as error:
        if not f"{module_name(room, kind)}.".startswith(f"{error.name}."):
            raise  # the module is there; it is one of its own imports that is not
        known = ", ".join(kinds(room))
        raise Refused(
            f"There is no kind {kind!r} in {room}; known are {known}, or a dotted module of "
            "your own."
        ) from error


def find(room: str, kind: str) -> Path | None:
    """The file of the module of that kind, found without importing anything; None where there is
    none.
    """
    if "." not in kind:
        path = ROOT.joinpath(*room.split("."), f"{kind}.py")
        return path if path.is_file() else None
    spec = _spec(kind)
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def kinds(room: str, mark: str = "") -> list[str]:
    """The kinds of a room: its modules whose text defines the room's function, e.g.

    `def attack(`.
    """
    mark = mark or f"def {FUNCTIONS[room][0]}("
    return sorted(
        path.stem
        for path in ROOT.joinpath(*room.split(".")).glob("*.py")
        if mark in path.read_text(encoding="utf-8")
    )


def _spec(name: str) -> ModuleSpec | None:
    """Where Python would find a module; unlike importlib's function it does not import the packages
    above.
    """
    _reach()
    parts = name.split(".")
    try:
        spec = find_spec(parts[0])
    except ValueError:  # of a module that was loaded from no file
        return None
    for depth in range(2, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(parts[:depth]), list(spec.submodule_search_locations))
    return spec


def _reach() -> None:
    """Let modules of the user's own lie below the folder in which the study is run, in every job as
    in the check.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
