"""Archives unpacked beside themselves: only what is asked for, whole or not at all, and nothing
outside of its folder.
"""

from __future__ import annotations

import errno
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from robustgen.core.refusal import Refused
from robustgen.data.download.streams import (
    NOT_THIS,
    Room,
    Unfit,
    is_zip,
    opened,
    read_to_end,
    refuse_encrypted,
    sound,
)

# how a disk refuses a file and a folder of one name
TWICE = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)


def unpack(archive: Path, wanted: dict[str, Path]) -> None:
    """Put the files and folders of an archive (tar, compressed or not, or zip) that `wanted` names
    at the given places.
    """
    with tempfile.TemporaryDirectory(prefix=f".{archive.name}.", dir=archive.parent) as folder:
        try:
            with sound(), _one_name_each(folder):
                _extract(archive, Path(folder))
        except Unfit as unfit:
            raise Refused(f"{archive} {unfit}; {unfit.remedy}.") from unfit
        for name, place in wanted.items():
            found = _find(Path(folder), name)
            if found is None:
                raise Refused(
                    f"{archive} holds no {name}; is it the right archive? Delete it to have it "
                    "fetched again."
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
            os.replace(found, place)


def _extract(archive: Path, folder: Path) -> None:
    room = Room(archive, folder)
    if is_zip(archive):
        _extract_zip(archive, folder, room)
    else:
        _extract_tar(archive, folder, room)


def _extract_zip(archive: Path, folder: Path, room: Room) -> None:
    """Unpack a zip archive; its reader gives no more of a file than the archive declares, and
    checks its checksum.
    """
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            _refuse_outside(member.filename)
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                raise Unfit(f"holds the link {member.filename}; links are not unpacked", NOT_THIS)
            refuse_encrypted(member)
            room.take(member.file_size)
        file.extractall(folder)


def _extract_tar(archive: Path, folder: Path, room: Room) -> None:
    """Unpack a tar archive and read on to the end of the compressed file, for the checksum stands
    behind the last member.
    """
    with opened(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as file:
        for entry in file:
            _refuse_outside(entry.name)
            if not (entry.isfile() or entry.isdir()):
                raise Unfit(
                    (
                        f"holds {entry.name}, which is neither file nor folder; links are not "
                        "unpacked"
                    ),
                    NOT_THIS,
                )
            room.take(entry.size)
            file.extract(entry, folder, filter="data")
        read_to_end(stream, room.most)


@contextmanager
def _one_name_each(folder: str) -> Iterator[None]:
    """Say that a name stands in an archive twice, as a file and as a folder, where the disk refuses
    the second.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in TWICE:
            raise
        raise Unfit(
            "holds a file and a folder of one name, "
            f"{os.path.relpath(error.filename or folder, folder)}",
            NOT_THIS,
        ) from error


def _refuse_outside(name: str) -> None:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name:
        raise Unfit(f"holds {name}, which would lie outside of its folder", NOT_THIS)


def _find(folder: Path, name: str) -> Path | None:
    """The file or folder whose path ends with `name`, the nearest to the top."""
    fits = sorted(_ending(folder, PurePosixPath(name)), key=lambda path: (len(path.parts), path))
    return fits[0] if fits else None


def _ending(folder: Path, name: PurePosixPath) -> Iterator[Path]:
    for path in folder.rglob("*"):  # not by its name, in which brackets would be a pattern
        if path.relative_to(folder).parts[-len(name.parts) :] == name.parts:
            yield path
