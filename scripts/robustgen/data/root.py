"""The folder of the data sets' files, and what a reader says of a file or folder that is
not in it.
"""

from __future__ import annotations

from pathlib import Path

from robustgen.core.refusal import Refused

FETCHED = "put it there, or let `make data` fetch it"


def root_of(
    root: str | None, *, data: str, holds: str, otherwise: str = ", or let `make data` fetch them"
) -> Path:
    """The given data root, refused where there is none; `holds` is what must lie in it."""
    if not root:
        way = f"set data.root or ROBUSTGEN_DATA to the folder that holds {holds}{otherwise}"
        raise Refused(f"{data} needs its files: {way}.")
    return Path(root)


def must_exist(path: Path, *, data: str, way: str = FETCHED) -> Path:
    """The path, refused where no file or folder lies there; `way` says how it comes there."""
    if not path.exists():
        raise Refused(f"{path} is missing; {data} needs it: {way}.")
    return path
