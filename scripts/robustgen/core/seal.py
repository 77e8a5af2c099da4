"""Seals: a file's checksum inside of the file, in a text of fixed length that its format keeps for
notes.
"""

from __future__ import annotations

import mmap
import re
import zlib
from pathlib import Path

OPEN = "crc32=00000000"
SEAL = re.compile(rb"crc32=([0-9a-f]{8})")
CHUNK = 2**22


def close(path: Path, *, at_end: bool) -> None:
    """Write the checksum into the first (or last) open seal of a file."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        place = view.rfind(OPEN.encode()) if at_end else view.find(OPEN.encode())
        view[place : place + len(OPEN)] = _text(_checksum(view, place))


def is_broken(path: Path, *, at_end: bool) -> bool:
    """Whether a byte has changed since a file was sealed; a file without a seal is not judged."""
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        place = view.rfind(b"crc32=") if at_end else view.find(b"crc32=")
        found = SEAL.match(view, place) if place >= 0 else None
        return bool(found) and view[place : place + len(OPEN)] != _text(_checksum(view, place))


def _checksum(view: mmap.mmap, place: int) -> int:
    """The checksum of everything but the seal at `place`."""
    found = 0
    for first, last in ((0, place), (place + len(OPEN), len(view))):
        for start in range(first, last, CHUNK):
            found = zlib.crc32(view[start : min(start + CHUNK, last)], found)
    return found


def _text(checksum: int) -> bytes:
    return f"crc32={checksum:08x}".encode()
