"""Compressed files: opened by how they begin, read to their ends, where their own checksums stand,
and bounded in size.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
ZIPPED = b"PK\3\4"
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    struct.error,
    ValueError,
)
BY_READERS = (None, errno.EINVAL, errno.ENAMETOOLONG)  # of errors that are not the disk's
SUFFIXES = (".bz2", ".gz", ".tgz", ".xz", ".zip")
CHUNK = 2**20
BLOCK = 2**12  # what the smallest file takes on a disk
# an archive unpacks to 64 MiB and 200 times its size, and to 40 GiB at most
FLOOR, RATIO, MOST = 2**26, 200, 40 * 2**30
ENCRYPTED = 0x1
NOT_THIS = "do not trust it: delete it and get the archive from elsewhere"


class Unfit(Exception):
    """A file is not to be unpacked; the message says what it does after its name, `remedy` what is
    to be done.
    """

    def __init__(self, message: str, remedy: str = "delete it to have it fetched again") -> None:
        super().__init__(message)
        self.remedy = remedy


def broken(path: Path, name: str) -> str:
    """What is wrong with a file by the checksums that it holds of itself; empty where nothing is,
    or where it holds none.

    `name` is the name that the file is to have, which may say that it is compressed.
    """
    try:
        with sound():
            if is_zip(path):
                _read_zip(path)
            elif begins_with(path, *OPENERS):
                with opened(path) as stream:
                    read_to_end(stream, Room(path).most)
            elif name.endswith(SUFFIXES):
                raise Unfit(f"is not compressed as the name {name} says")
    except Unfit as unfit:
        return str(unfit)
    return ""


@contextmanager
def sound() -> Iterator[None]:
    """Say that a file cannot be unpacked wherever a reader raises one of the many errors by which
    damage shows.
    """
    try:
        yield
    except DAMAGE as error:
        raise Unfit(f"cannot be unpacked ({error})") from error
    except OSError as error:
        if error.errno not in BY_READERS:
            raise
        raise Unfit(f"cannot be unpacked ({error})") from error


def begins_with(path: Path, *marks: bytes) -> bytes:
    """The one of several marks with which a file begins; empty where none is."""
    with path.open("rb") as file:
        head = file.read(max(map(len, marks)))
    return next((mark for mark in marks if head.startswith(mark)), b"")


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive."""
    return bool(begins_with(path, ZIPPED)) or (
        not begins_with(path, *OPENERS) and zipfile.is_zipfile(path)
    )


def opened(path: Path) -> IO[bytes]:
    """The content of a compressed file, or the bytes themselves of any other."""
    return OPENERS.get(begins_with(path, *OPENERS), open)(path, "rb")


def read_to_end(stream: IO[bytes], most: int) -> None:
    """Read what is left of a stream, of which more than `most` bytes are refused."""
    seen = 0
    while chunk := stream.read(CHUNK):
        seen += len(chunk)
        if seen > most:
            raise Unfit(_too_much(most), NOT_THIS)


class Room:
    """How much an archive may still unpack to; given a folder, also what its disk has free."""

    def __init__(self, archive: Path, folder: Path | None = None) -> None:
        self.most = min(MOST, FLOOR + RATIO * archive.stat().st_size)
        self.free = shutil.disk_usage(folder).free if folder else None
        self.taken = 0

    def take(self, size: int) -> None:
        """Count a member of the archive; it is refused before a byte of it is written."""
        self.taken += max(size, BLOCK)
        if self.taken > self.most:
            raise Unfit(_too_much(self.most), NOT_THIS)
        if self.free is not None and self.taken > self.free:
            have, need = self.free // 2**20, -(-self.taken // 2**20)
            raise Unfit(f"unpacks to {need} MiB or more, but only {have} MiB are free", "make room")


def refuse_encrypted(member: zipfile.ZipInfo) -> None:
    """Refuse a member of a zip archive that only a password opens."""
    if member.flag_bits & ENCRYPTED:
        raise Unfit(f"holds the encrypted file {member.filename}, which needs a password", NOT_THIS)


def _read_zip(path: Path) -> None:
    room = Room(path)
    with zipfile.ZipFile(path) as file:
        for member in file.infolist():
            refuse_encrypted(member)
            room.take(member.file_size)
        if name := file.testzip():
            raise Unfit(f"cannot be unpacked (the checksum of {name} in it is another one)")


def _too_much(most: int) -> str:
    return f"unpacks to more than the {most / 2**20:.0f} MiB that an archive of its size may"
