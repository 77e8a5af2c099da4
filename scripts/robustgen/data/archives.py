"""Archives unpacked beside themselves: only what is asked for, whole or not at all, and nothing outside of its folder."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from robustgen.core.refusal import Refused


def unpack(archive: Path, wanted: dict[str, Path]) -> None:
    """Put the files and folders of an archive (tar, compressed or not, or zip) that `wanted` names at the given places."""
    with tempfile.TemporaryDirectory(prefix=f".{archive.name}.", dir=archive.parent) as folder:
        try:
            _extract(archive, Path(folder))
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
            raise Refused(f"{archive} cannot be unpacked ({error}); delete it to have it fetched again.") from error
        for name, place in wanted.items():
            found = _find(Path(folder), name)
            if found is None:
                raise Refused(f"{archive} holds no {name}; is it the right archive?")
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
            os.replace(found, place)


def _extract(archive: Path, folder: Path) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                _refuse_outside(archive, member.filename)
                if (member.external_attr >> 16) & 0o170000 == 0o120000:
                    raise Refused(f"{archive} holds the link {member.filename}; links are not unpacked.")
            file.extractall(folder)
        return
    with tarfile.open(archive) as file:
        for entry in file:
            _refuse_outside(archive, entry.name)
            if not (entry.isfile() or entry.isdir()):
                raise Refused(f"{archive} holds {entry.name}, which is neither file nor folder; links are not unpacked.")
            file.extract(entry, folder, filter="data")


def _refuse_outside(archive: Path, name: str) -> None:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name:
        raise Refused(f"{archive} holds {name}, which would lie outside of its folder; the archive is not to be trusted.")


def _find(folder: Path, name: str) -> Path | None:
    """The file or folder whose path ends with `name`, the nearest to the top."""
    fits = sorted(_ending(folder, PurePosixPath(name)), key=lambda path: (len(path.parts), path))
    return fits[0] if fits else None


def _ending(folder: Path, name: PurePosixPath) -> Iterator[Path]:
    for path in folder.rglob(name.name):
        if path.relative_to(folder).parts[-len(name.parts) :] == name.parts:
            yield path
