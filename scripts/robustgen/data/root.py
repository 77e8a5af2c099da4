"""The folder of the data sets' files, and what a reader says of a file or folder that is not in it."""

from __future__ import annotations

from pathlib import Path

from robustgen.core.refusal import Refused


def root_of(root: str | None, *, data: str, holds: str) -> Path:
    """The given data root, refused where there is none; `holds` is what must lie in it."""
    if not root:
        way = f"set data.root or ROBUSTGEN_DATA to the folder that holds {holds}, or let `make data` fetch them"
        raise Refused(f"{data} needs its files: {way}.")
    return Path(root)


def must_exist(path: Path, *, data: str) -> Path:
    """The path, refused where no file or folder lies there."""
    if not path.exists():
        raise Refused(f"{path} is missing; {data} needs it: put it there, or let `make data` fetch it.")
    return path
