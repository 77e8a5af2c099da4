"""The register of downloads, config/sources.csv: where each file comes from, how it is recognised,
under which terms.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from robustgen.core.refusal import Refused

REGISTER = Path(__file__).resolve().parents[4] / "config/sources.csv"
ROOT = "results/downloads"


@dataclass(frozen=True)
class Row:
    """A file (or, with a slash at its end, a folder) of a source: downloaded from `url`, or
    unpacked from `within`.
    """

    source: str
    file: str  # its place under the data root; torchvision's where torchvision has one
    within: str  # the archive that holds it, itself a row
    url: str
    mirror: str
    bytes: str
    md5: str
    sha256: str  # whole, or its first digits where only those are published
    licence: str
    terms: str
    note: str

    @property
    def is_folder(self) -> bool:
        """Whether the row is a folder, of which only the presence can be checked."""
        return self.file.endswith("/")


def read_register(path: str | Path = REGISTER) -> list[Row]:
    """Every row of the register, refused with a sentence where it is not well formed."""
    columns = [field.name for field in fields(Row)]
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            header, *lines = [line for line in csv.reader(file) if line] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(
            f"{path} is no table of text ({error}); bring back the file that came with the project."
        ) from error
    if header != columns:
        raise Refused(f"{path} must have the columns {', '.join(columns)}.")
    if wrong := [line for line in lines if len(line) != len(columns)]:
        raise Refused(
            f"{path}: the line {','.join(wrong[0])!r} has {len(wrong[0])} cells instead of "
            f"{len(columns)}; correct it."
        )
    found = [Row(*line) for line in lines]
    downloads = {(row.source, row.file) for row in found if row.url}
    for row in found:
        if problem := _problem(row, downloads):
            raise Refused(f"{path}, {row.source} {row.file}: {problem}.")
    return found


def rows_of(source: str, register: str | Path = REGISTER) -> list[Row]:
    """The rows of one source."""
    found = read_register(register)
    if rows := [row for row in found if row.source == source]:
        return rows
    raise Refused(
        f"There is no source {source!r} in {register}; known are "
        f"{', '.join(sorted({row.source for row in found}))}."
    )


def listing(register: str | Path = REGISTER) -> str:
    """A line per download of the register: source, file and licence."""
    rows = (row for row in read_register(register) if row.url)
    return "\n".join(f"{row.source:16} {row.file:50} {row.licence}" for row in rows)


def data_root(given: str | None) -> Path:
    """The folder of the data sets' files: the given one, else the environment's ROBUSTGEN_DATA,
    else results/downloads.
    """
    root = given or os.environ.get("ROBUSTGEN_DATA") or ROOT
    if "\0" in root or Path(root).is_file():
        raise Refused(
            f"The data root {root!r} is no folder; set data.root or ROBUSTGEN_DATA to one."
        )
    return Path(root)


def fault(path: Path, row: Row, pin: str = "") -> str:
    """What is wrong with a file in place of a row: empty where nothing is; `pin` is the sha256 of
    its first download.
    """
    if row.is_folder:
        return "" if path.is_dir() and any(path.iterdir()) else "is missing or empty"
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    for name, right in (
        ("md5", row.md5),
        ("sha256", pin if pin.startswith(row.sha256) else row.sha256),
    ):
        if right and not (found := hash_file(path, name)).startswith(right):
            short = (
                f" and {size} bytes of {row.bytes}" if row.bytes and size != int(row.bytes) else ""
            )
            return f"has the {name} {found}{short}, right is {right}"
    return ""


def hash_file(path: Path, name: str = "sha256") -> str:
    """A file's hash in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def _problem(row: Row, downloads: set[tuple[str, str]]) -> str:
    place = PurePosixPath(row.file)
    if not row.file or place.is_absolute() or ".." in place.parts:
        return "file must be a place under the data root"
    if bool(row.url) == bool(row.within):
        return "give either a url or the archive that holds it (within)"
    if row.within and (row.source, row.within) not in downloads:
        return f"within names {row.within}, which is no download of this source"
    if not re.fullmatch(r"\d*", row.bytes) or not re.fullmatch(r"([0-9a-f]{32})?", row.md5):
        return "bytes must be a whole number and md5 32 hexadecimal digits"
    return (
        ""
        if re.fullmatch(r"([0-9a-f]{8,64})?", row.sha256)
        else "sha256 must be its 64 hexadecimal digits, or the first 8 or more"
    )
