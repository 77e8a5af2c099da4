"""Contracts of modules that a configuration names: what breaks one is said in a sentence that names
the module.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.core.values import short


class Broken(Refused):
    """What a module gave is not what its kind must give; `blamed` adds the module's name."""


class RefusedModule(Refused):
    """A module broke the contract of its kind, or raised an exception; the message names it."""


@contextmanager
def blamed(sort: str, kind: str, *, at: str = "") -> Iterator[None]:
    """Turn a broken contract, and an exception that a module of the user's own raises, into a
    sentence that names the module.

    A refusal passes as it is. Exceptions of the project's own modules keep their traceback, for
    they are defects of the project.
    """
    try:
        yield
    except Broken as error:
        raise RefusedModule(f"{sort} {kind}{at}: {error}") from error
    except Refused:
        raise
    except Exception as error:
        where = _where(error, kind)
        if where is None:
            raise
        words = short(" ".join(str(error).split()) or "without a text", 500)
        failed = f"{sort} {kind}{at} failed with {type(error).__name__}: {words} ({where})"
        raise RefusedModule(f"{failed}; fix the module and run again.") from error


def _where(error: Exception, kind: str) -> str | None:
    """Where a user's own module failed: its last line that was called; None where the exception is
    none of its.
    """
    if "." not in kind:
        return None
    if isinstance(error, SyntaxError):
        return f"{_place(error.filename or kind)}, line {error.lineno}"
    frames = list(traceback.walk_tb(error.__traceback__))
    mine = [
        (frame.f_code.co_filename, line)
        for frame, line in frames
        if frame.f_globals.get("__name__") == kind
    ]
    if mine:
        return f"{_place(mine[-1][0])}, line {mine[-1][1]}"
    # this frame and the caller's: the module lacks the function that is called, or its arguments
    # differ
    return "where the project calls it" if len(frames) <= 2 else None


def _place(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
