"""Kinds: the modules of a room that a configuration may name, found by their place and loaded only when used.

A new attack, net or data set is a new file; no list of them is kept anywhere, so adding one changes nobody's digest.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from robustgen.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[1]


def module_name(room: str, kind: str) -> str:
    """`pgd` in room `attacks` is robustgen.attacks.pgd; a name with a dot is a module of the user's own."""
    return kind if "." in kind else f"robustgen.{room}.{kind}"


def load(room: str, kind: str) -> ModuleType:
    """The module of that kind, imported now."""
    try:
        return import_module(module_name(room, kind))
    except ModuleNotFoundError as error:
        if not f"{module_name(room, kind)}.".startswith(f"{error.name}."):
            raise  # the module is there; it is one of its own imports that is not
        known = ", ".join(kinds(room))
        raise Refused(f"There is no kind {kind!r} in {room}; known are {known}, or a dotted module of your own.") from error


def source(room: str, kind: str) -> str:
    """The text of the module of that kind, found without importing it."""
    if "." not in kind:
        return ROOT.joinpath(*room.split("."), f"{kind}.py").read_text(encoding="utf-8")
    found = find_spec(kind)
    return Path(found.origin).read_text(encoding="utf-8") if found and found.origin else ""


def kinds(room: str, mark: str = "def ") -> list[str]:
    """The kinds of a room: its modules whose text defines the room's function, e.g. `def attack(`."""
    return sorted(path.stem for path in ROOT.joinpath(*room.split(".")).glob("*.py") if mark in path.read_text(encoding="utf-8"))
