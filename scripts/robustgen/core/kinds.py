"""Modules that a configuration may name, found by what they define and loaded only when used.

A *kind* of a room is a module of any package that defines the room's function and `OPTIONS`.
A new attack, net or data set is a new file; no list of them is kept anywhere, so adding one changes
nobody's digest.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from robustgen.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "robustgen"
FUNCTIONS = {  # room -> what a module of it defines: all of a tuple's functions, one of `a|b`
    "data": ("load",),
    "models": ("build|freeze",),
    "measures": ("measure",),
    "attacks": ("attack",),
    "objectives": ("loss", "correct"),
    "trainers": ("trainer",),
    "detectors": ("sound",),
    "tables": ("make",),
    "figures": ("draw",),
}
DEFINED = re.compile(r"^(?:def (\w+)\(|(OPTIONS)\b)", re.MULTILINE)


def module_name(room: str, kind: str) -> str:
    """The dotted name of a kind's module; a name with a dot is a module of the user's own."""
    return kind if "." in kind else _dotted(_found(room).get(kind, ROOT / f"{room}/{kind}.py"))


def load(room: str, kind: str) -> ModuleType:
    """The module of that kind, imported now."""
    _reach()
    name = module_name(room, kind)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; it is one of its own imports that is not
        known = ", ".join(kinds(room))
        raise Refused(
            f"There is no kind {kind!r} in {room}; known are {known}, or a dotted module of your "
            "own."
        ) from error


def find(room: str, kind: str) -> Path | None:
    """The file of the module of that kind, found without importing it; None where there is none."""
    if "." not in kind:
        return _found(room).get(kind)
    spec = _spec(kind)
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def kinds(room: str) -> list[str]:
    """The kinds of a room, sorted."""
    return sorted(_found(room))


def missing(room: str, names: frozenset[str]) -> list[str]:
    """The functions of a room, as `build|freeze`, that are not among the names a module defines."""
    return [one for one in FUNCTIONS[room] if not names & set(one.split("|"))]


@cache
def _found(room: str) -> dict[str, Path]:
    """Kind -> file, of every module of the package that is of the room."""
    return {
        path.stem: path
        for path, names in _defined().items()
        if "OPTIONS" in names and not missing(room, names)
    }


@cache
def _defined() -> dict[Path, frozenset[str]]:
    """File -> the functions that it defines at its top level, and OPTIONS where it has them."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}
    return {
        path: frozenset(filter(None, (name for pair in DEFINED.findall(text) for name in pair)))
        for path, text in texts.items()
    }


def _dotted(path: Path) -> str:
    return ".".join([PACKAGE, *path.relative_to(ROOT).with_suffix("").parts])


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
