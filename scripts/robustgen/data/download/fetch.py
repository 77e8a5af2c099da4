"""The files of a source in the data root: found as they are, else downloaded, checked and unpacked;
safe side by side.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustgen.core import cache
from robustgen.core.refusal import Refused
from robustgen.data.download.addresses import beside, is_local
from robustgen.data.download.archives import unpack
from robustgen.data.download.download import PAUSE, download
from robustgen.data.download.pins import Pins
from robustgen.data.download.sources import Row, fault, hash_file
from robustgen.data.download.streams import broken


class Fetch:
    """Fetching from a register's rows of one source into `root`; `mirror` is a copy of a data root,
    a folder or an address.
    """

    def __init__(
        self,
        rows: list[Row],
        *,
        root: Path,
        mirror: str | None,
        offline: bool,
        pause: float = PAUSE,
    ) -> None:
        self.rows, self.root, self.mirror, self.offline, self.pause = (
            rows,
            root,
            mirror,
            offline,
            pause,
        )
        self.source = rows[0].source
        archives = {row.within for row in rows}
        self.needed = [row for row in rows if row.file not in archives]
        self.pins = Pins(root / ".robustgen" / f"{self.source}.pins.json")

    def __call__(self) -> dict[str, Any]:
        """Bring about every file that the source's readers need, and give a receipt of them."""
        if self.absent():
            self.take_kept()
            self.refuse_offline()
            with _alone(self.root, self.source):
                for row in self.absent():
                    self.obtain(row)
        files = {row.file: _facts(self.place(row), row) for row in self.needed}
        return {"source": self.source, "files": files, **_terms(self.rows)}

    def lacking(self) -> list[Row]:
        """The downloads that are needed and not there."""
        downloads = {row.within or row.file for row in self.absent()}
        return [
            row
            for row in self.rows
            if row.file in downloads and not (self.root / row.file).exists()
        ]

    def take_kept(self) -> None:
        """Take from the cache of earlier studies what is not there."""
        for row in self.lacking():
            path = self.root / row.file
            if cache.take(_key(row), {"file": path}) is None:
                continue
            if self.fault(path, row):  # it is not what was pinned here
                path.unlink()
            else:
                self.pin(row)

    def refuse_offline(self) -> None:
        """Offline and without a mirror, say all that is missing at once."""
        lacking = self.lacking()
        if lacking and not self.addresses(lacking[0]):
            by_hand = " ".join(_by_hand(row, self.root / row.file) for row in lacking)
            raise Refused(f"{self.source} is missing and this is an offline run. {by_hand}")

    def place(self, row: Row) -> Path:
        """Where a row's file lies; what is there unpacked already (`x` instead of `x.gz`)
        counts.
        """
        path = self.root / row.file
        plain = path.with_suffix("")
        return plain if path.suffix == ".gz" and plain.is_file() and not path.exists() else path

    def absent(self) -> list[Row]:
        """The rows that are needed and not there; one that is there and wrong is refused, for it
        may be the user's own.
        """
        found = []
        for row in (row for row in self.needed if self.place(row) == self.root / row.file):
            path, problem = self.place(row), self.fault(self.place(row), row)
            if problem and path.is_file():
                raise Refused(f"{path} {problem}; delete it to have it fetched again.")
            found += [row] if problem else []
        return found

    def obtain(self, row: Row) -> None:
        """Download a row's file, or unpack it from its archive together with all else that is
        wanted of that.
        """
        if not row.within:
            self.download(row)
        elif fault(self.root / row.file, row):  # else it came with another row of the same archive
            archive = next(found for found in self.rows if found.file == row.within)
            if self.fault(self.root / archive.file, archive):
                self.download(archive)
            here = Path(archive.file).parent
            wanted = [other for other in self.absent() if other.within == row.within]
            unpack(
                self.root / archive.file,
                {
                    str(Path(other.file).relative_to(here)): self.root / other.file
                    for other in wanted
                },
            )

    def download(self, row: Row) -> None:
        """Download a row's file from the mirror or, unless offline, from where the register
        says.
        """
        path, size = self.root / row.file, int(row.bytes) if row.bytes else None
        try:
            came = download(
                self.addresses(row),
                path,
                size=size,
                fault=lambda part: self.fault_of_new(part, row),
                pause=self.pause,
            )
        except Refused as error:
            raise Refused(
                f"{self.source}: {row.file} is missing: {error}. {_by_hand(row, path)}"
            ) from None
        print(f"{path} came from {came}.", file=sys.stderr, flush=True)
        self.pin(row)
        cache.keep(_key(row), {"file": path}, {})

    def pin(self, row: Row) -> None:
        """Pin a download of which no whole hash is published and that has no pin."""
        if row.md5 or len(row.sha256) == 64:
            return
        if self.pins.set(row.file, found := hash_file(self.root / row.file)):
            where = f"its sha256 {found} is pinned in {self.pins.path}"
            print(f"{row.file}: no whole hash is published; {where}.", file=sys.stderr, flush=True)

    def addresses(self, row: Row) -> list[str]:
        """Where a row's file may be had, the mirror first; offline, only a folder counts."""
        found = [beside(self.mirror, row.file)] if self.mirror else []
        found += [address for address in (row.url, row.mirror) if address]
        return [address for address in found if is_local(address) or not self.offline]

    def fault(self, path: Path, row: Row) -> str:
        """What is wrong with a file in place of a row; empty where nothing is."""
        pin = self.pins.of(row.file)
        found = fault(path, row, pin)
        return (
            f"{found} ({self.pins.remedy(row.file)})" if found and pin and path.is_file() else found
        )

    def fault_of_new(self, part: Path, row: Row) -> str:
        """What is wrong with a download; one of which no hash is known is read to its end, for it
        is to be pinned.
        """
        if row.md5 or row.sha256 or self.pins.of(row.file):
            return self.fault(part, row)
        print(
            f"{row.file}: no hash is published; it is read to its end before it is pinned.",
            file=sys.stderr,
            flush=True,
        )
        return broken(part, row.file)


@contextmanager
def _alone(root: Path, source: str) -> Iterator[None]:
    """Let one process at a time fetch a source; the lock ends with the process however that
    ends.
    """
    folder = root / ".robustgen"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{source}.lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"Another process is fetching {source}; waiting for it.",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _facts(path: Path, row: Row) -> dict[str, Any]:
    """Size and sha256 of a file; of a folder, those of all its files, the sha256 over their sha256
    and names.
    """
    if not row.is_folder:
        return {"bytes": path.stat().st_size, "sha256": hash_file(path)}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    listed = "\n".join(f"{hash_file(file)} {file.relative_to(path)}" for file in files)
    found = hashlib.sha256(os.fsencode(listed)).hexdigest()
    return {
        "bytes": sum(file.stat().st_size for file in files),
        "files": len(files),
        "sha256": found,
    }


def _key(row: Row) -> str:
    """What a download must share with one that the cache keeps to be the same."""
    return json.dumps(["download", row.file, row.url, row.bytes, row.md5, row.sha256])


def _terms(rows: list[Row]) -> dict[str, str]:
    row = next(row for row in rows if row.url)
    return {"licence": row.licence, "terms": row.terms}


def _by_hand(row: Row, path: Path) -> str:
    known = [
        f"{name} {value}"
        for name, value in (("bytes", row.bytes), ("md5", row.md5), ("sha256", row.sha256))
        if value
    ]
    return (
        f"Put {row.url} there as {path}{f' ({known[-2]}, {known[-1]})' if known[1:] else ''}, "
        "or set data.mirror."
    )
