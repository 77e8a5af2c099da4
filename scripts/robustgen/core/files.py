"""Files that are either whole or absent, and formats whose reading executes nothing."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from robustgen.core.refusal import Refused

# names that `atomic` and safetensors give
TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}(\.[a-z]+)?|\.tmp[A-Za-z0-9]{6}")
RESULTS = Path("results")  # all that studies make
WRITTEN: set[Path] = set()  # what this process has written, for its seal


class BadFile(Refused):
    """A file is missing, damaged or of the wrong form; the message says which and what to do."""


def damaged(path: str | Path, form: str, reason: object) -> BadFile:
    """The refusal of a file that is there and not what was written; a command sets a study's own
    aside, to be made again.
    """
    if not made_here(path):
        return BadFile(f"{path} is not {form} ({reason}); put a whole one in its place.")
    error = BadFile(f"{path} is not {form} ({reason}); delete it and run again.")
    error.damaged = Path(path)
    return error


def made_here(path: str | Path) -> bool:
    """Whether a file is a study's, which a run can make again, and not one of the user's own."""
    return Path(path).resolve().is_relative_to(RESULTS.resolve())


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed
    when it does not.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
        WRITTEN.add(path)
    except SafetensorError as error:  # how that library tells a full disk
        raise Refused(
            f"{path} could not be written ({error}); free space or permissions, then run again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def leftovers(folder: Path) -> list[Path]:
    """The temporary files below a folder that killed processes have left."""
    return [
        path for path in folder.rglob(".*") if TEMPORARY.fullmatch(path.name) and path.is_file()
    ]


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as the whole content of `path`."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """The value that a JSON file holds."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except ValueError as error:
        raise damaged(path, "valid JSON", error) from error
