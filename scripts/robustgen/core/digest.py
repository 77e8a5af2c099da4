"""What a job's code is: a hash of its script and of the modules that it can import, blind to comments and layout."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from robustgen.core import kinds
from robustgen.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package
PACKAGE = "robustgen"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digest(script: str, *modules: str) -> str:
    """A short hash of the syntax trees of `script`, of `modules`, and of all that they import from the package."""
    return digest_of(digests(script, *modules))


def digest_of(parts: dict[str, str]) -> str:
    """One short hash for file -> hash."""
    return hashlib.sha256("\n".join(f"{name} {value}" for name, value in sorted(parts.items())).encode()).hexdigest()[:16]


def digests(script: str, *modules: str) -> dict[str, str]:
    """File -> hash for the same files, so that a reader can be told which one has changed."""
    todo = [Path(script).resolve(), *(_must_exist(name) for name in modules)]
    seen: dict[Path, str] = {}
    while todo:
        path = todo.pop()
        if path not in seen:
            seen[path], found = _read(path, path.stat().st_mtime_ns)
            todo.extend(found)
    return {_label(path): value for path, value in seen.items()}


def hash_of(path: Path) -> str | None:
    """The hash of one file's syntax tree; None where there is no such file."""
    return _read(path, path.stat().st_mtime_ns)[0] if path.is_file() else None


def lock_lines(lock: str | Path, *packages: str) -> str:
    """The pins of `packages` in a lock file: training depends on them."""
    lines = Path(lock).read_text(encoding="utf-8").splitlines()
    return " ".join(line.split(" ")[0] for line in lines if line.split("==")[0] in packages)


@cache
def _read(path: Path, _changed: int) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    value = hashlib.sha256(ast.dump(_bare(tree)).encode()).hexdigest()[:16]
    return value, tuple(sorted(found for name in _imported(tree) if (found := _file(name))))


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings: prose changes no result."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise Refused("Relative imports hide where a module stands; write them out from the package's name.")
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _file(name: str) -> Path | None:
    """The file of a module of ours, or None for a name that is no module of the package."""
    if name.split(".")[0] != PACKAGE:
        return None
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _must_exist(name: str) -> Path:
    found = _file(name) or kinds.find("", name)
    if found is None:
        raise Refused(f"There is no module {name}; check the kind that the configuration names.")
    return found


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
