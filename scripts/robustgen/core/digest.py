"""What a job's code is: a hash of its script and of the modules that it can import, blind to
comments and layout.

Modules of the package are followed, and of the user's own all that lie in the folder from which the
one that the configuration names is imported. Libraries are pinned by the lock and not followed.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from robustgen.core import kinds
from robustgen.core.literals import tree
from robustgen.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package
PACKAGE = "robustgen"
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # of statements inside of one
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digest(script: str, *modules: str) -> str:
    """A short hash of the syntax trees of `script`, of `modules`, and of all that they import from
    the package.
    """
    return digest_of(digests(script, *modules))


def digest_of(parts: dict[str, str]) -> str:
    """One short hash for file -> hash."""
    return hashlib.sha256(
        "\n".join(f"{name} {value}" for name, value in sorted(parts.items())).encode()
    ).hexdigest()[:16]


def digests(script: str, *modules: str) -> dict[str, str]:
    """File -> hash for the same files, so that a reader can be told which one has changed."""
    roots = _roots(modules)
    return {_label(path, roots): value for path, value in closure(script, *modules).items()}


def closure(script: str, *modules: str) -> dict[Path, str]:
    """Path -> hash of the same files."""
    roots = _roots(modules)
    todo = [Path(script).resolve(), *(file_of(name) for name in modules)]
    seen: dict[Path, str] = {}
    while todo:
        path = todo.pop()
        if path not in seen:
            seen[path], imported = _read(path, path.stat().st_mtime_ns, roots)
            todo.extend(imported)
    return seen


def hash_of(path: Path) -> str | None:
    """The hash of one file's syntax tree; None where there is no such file."""
    return _read(path, path.stat().st_mtime_ns, ())[0] if path.is_file() else None


def lock_lines(lock: str | Path, *packages: str) -> str:
    """The pins of `packages` in a lock file: training depends on them."""
    lines = Path(lock).read_text(encoding="utf-8").splitlines()
    return " ".join(line.split(" ")[0] for line in lines if line.split("==")[0] in packages)


def file_of(name: str) -> Path:
    """The file of a module that the configuration names: one of ours, or one that Python finds."""
    found = _file(name, (ROOT,)) or kinds.find("", name)
    if found is None:
        raise Refused(f"There is no module {name}; check the kind that the configuration names.")
    return found.resolve()


@cache
def _read(path: Path, _changed: int, roots: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
    """(hash, files that it imports) of a file."""
    found = tree(path)
    names: set[str] = set()
    for node in _statements(found):
        names.update(_imported(node, path))
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]  # prose changes no result
    files = [file for name in sorted(names) if (file := _file(name, roots))]
    return hashlib.sha256(ast.dump(found).encode()).hexdigest()[:16], tuple(files)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The node, and all statements inside of it; expressions, which hold none, are not entered."""
    yield node
    for name in BLOCKS:
        for inner in getattr(node, name, ()):
            yield from _statements(inner)


def _imported(node: ast.AST, path: Path) -> Iterator[str]:
    """The names that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            place = f"line {node.lineno} of {path}"
            raise Refused(
                f"Relative imports hide where a module stands; write out {place} from the "
                "package's name."
            )
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str, roots: tuple[Path, ...]) -> Path | None:
    """The file of a module below one of the folders; None for a name that is a library's, or no
    module at all.
    """
    for root in (ROOT,) if name.split(".")[0] == PACKAGE else roots:
        base = root.joinpath(*name.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


def _roots(modules: tuple[str, ...]) -> tuple[Path, ...]:
    """The folders from which modules of the user's own are imported; an installed library is none
    of them.
    """
    found = [(name, file_of(name)) for name in modules if name.split(".")[0] != PACKAGE]
    bases = [path.parents[name.count(".") + (path.name == "__init__.py")] for name, path in found]
    return tuple(dict.fromkeys(base for base in bases if base.name != "site-packages"))


def _label(path: Path, roots: tuple[Path, ...]) -> str:
    """A file's place below the folder from which it is imported, wherever that lies."""
    return next(
        (str(path.relative_to(root)) for root in (ROOT, *roots) if path.is_relative_to(root)),
        path.name,
    )
