"""What a module declares at its top level, read from its text without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from robustgen.core import kinds
from robustgen.core.refusal import Refused


@dataclass(frozen=True, eq=False)  # one per file and change, so that it may be a cache's key
class Declared:
    """The names that a module defines or imports at its top level, and the expressions of its
    constants.
    """

    path: Path
    names: frozenset[str]
    values: dict[str, ast.expr]


def module(room: str, kind: str) -> Declared | None:
    """What the module of that kind declares; None where there is no such text, as of a compiled
    module.
    """
    path = kinds.find(room, kind)
    return _read(path, path.stat().st_mtime_ns) if path and path.suffix == ".py" else None


def literal(room: str, kind: str, name: str, default: Any = None) -> Any:
    """The value of a module's literal constant, which all callers share; `default` where it has
    none.
    """
    found = module(room, kind)
    return default if found is None or name not in found.values else value(found, name)


def constant(room: str, kind: str, name: str) -> tuple[Any, ...]:
    """A module's literal tuple, of which a text alone is the one entry; empty where it has none."""
    found = literal(room, kind, name, ())
    return tuple(found) if isinstance(found, tuple | list) else (found,)


@cache
def value(found: Declared, name: str) -> Any:
    """The value of a literal constant that a module has."""
    try:
        return ast.literal_eval(found.values[name])
    except ValueError as error:
        raise Refused(
            f"{found.path}: {name} must be a literal, for it is read before anything is imported."
        ) from error


@cache
def _read(path: Path, _changed: int) -> Declared:
    names: set[str] = set()
    values: dict[str, ast.expr] = {}
    for node in _statements(tree(path).body):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                names.add(name)
                values |= {name: value} if value is not None else {}
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return Declared(path, frozenset(names), values)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's top level, those below `if` and `try` among them."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            handlers = [handler.body for handler in getattr(node, "handlers", [])]
            for inner in (node.body, node.orelse, *handlers):
                yield from _statements(inner)


def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise Refused(f"{path}, line {error.lineno}, is no Python: {error.msg}.") from error
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or NUL bytes
        raise Refused(f"{path} cannot be read as a Python file: {error}.") from error
