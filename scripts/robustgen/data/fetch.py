"""The files of a source in the data root: found as they are, else downloaded, checked and unpacked; safe side by side."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustgen.core.files import read_json, write_json
from robustgen.core.refusal import Refused
from robustgen.data.archives import unpack
from robustgen.data.download import PAUSE, download, is_local
from robustgen.data.sources import Row, fault, hash_file


class Fetch:
    """Fetching from a register's rows of one source into `root`; `mirror` is a copy of a data root, a folder or an address."""

    def __init__(self, rows: list[Row], *, root: Path, mirror: str | None, offline: bool, pause: float = PAUSE) -> None:
        self.rows, self.root, self.mirror, self.offline, self.pause = rows, root, mirror, offline, pause
        self.source = rows[0].source
        archives = {row.within for row in rows}
        self.needed = [row for row in rows if row.file not in archives]

    def __call__(self) -> dict[str, Any]:
        """Bring about every file that the source's readers need, and give a receipt of them."""
        if self.absent():
            self.refuse_offline()
            with _alone(self.root, self.source):
                for row in self.absent():
                    self.obtain(row)
        files = {row.file: _facts(self.place(row), row) for row in self.needed}
        return {"source": self.source, "files": files, **_terms(self.rows)}

    def refuse_offline(self) -> None:
        """Offline and without a mirror, say all that is missing at once."""
        downloads = {row.within or row.file for row in self.absent()}
        lacking = [row for row in self.rows if row.file in downloads and not (self.root / row.file).exists()]
        if lacking and not self.addresses(lacking[0]):
            by_hand = " ".join(_by_hand(row, self.root / row.file) for row in lacking)
            raise Refused(f"{self.source} is missing and this is an offline run. {by_hand}")

    def place(self, row: Row) -> Path:
        """Where a row's file lies; what is there unpacked already (`x` instead of `x.gz`) counts."""
        path = self.root / row.file
        plain = path.with_suffix("")
        return plain if path.suffix == ".gz" and plain.is_file() and not path.exists() else path

    def absent(self) -> list[Row]:
        """The rows that are needed and not there; one that is there and wrong is refused, for it may be the user's own."""
        found = []
        for row in (row for row in self.needed if self.place(row) == self.root / row.file):
            path, problem = self.place(row), fault(self.place(row), row, self.pin(row))
            if problem and path.is_file():
                raise Refused(f"{path} {problem}; delete it to have it fetched again.")
            found += [row] if problem else []
        return found

    def obtain(self, row: Row) -> None:
        """Download a row's file, or unpack it from its archive together with all else that is wanted of that."""
        if not row.within:
            self.download(row)
        elif fault(self.root / row.file, row):  # else it came with another row of the same archive
            archive = next(found for found in self.rows if found.file == row.within)
            if fault(self.root / archive.file, archive, self.pin(archive)):
                self.download(archive)
            here = Path(archive.file).parent
            wanted = [other for other in self.absent() if other.within == row.within]
            unpack(
                self.root / archive.file,
                {str(Path(other.file).relative_to(here)): self.root / other.file for other in wanted},
            )

    def download(self, row: Row) -> None:
        """Download a row's file from the mirror or, unless offline, from where the register says."""
        path, size = self.root / row.file, int(row.bytes) if row.bytes else None
        try:
            came = download(
                self.addresses(row), path, size=size, fault=lambda part: fault(part, row, self.pin(row)), pause=self.pause
            )
        except Refused as error:
            raise Refused(f"{self.source}: {row.file} is missing: {error}. {_by_hand(row, path)}") from None
        print(f"{path} came from {came}.", file=sys.stderr, flush=True)
        if not row.md5 and len(row.sha256) < 64:
            self.set_pin(row, hash_file(path))

    def addresses(self, row: Row) -> list[str]:
        """Where a row's file may be had, the mirror first; offline, only a folder counts."""
        found = [f"{self.mirror.rstrip('/')}/{row.file}"] if self.mirror else []
        found += [address for address in (row.url, row.mirror) if address]
        return [address for address in found if is_local(address) or not self.offline]

    def pin(self, row: Row) -> str:
        """The sha256 that a file without a published one had at its first download."""
        path = self._pins()
        return str(read_json(path).get(row.file, "")) if path.exists() else ""

    def set_pin(self, row: Row, found: str) -> None:
        """Pin a file's sha256: from now on another one is refused."""
        path = self._pins()
        if not self.pin(row):
            write_json(path, {**(read_json(path) if path.exists() else {}), row.file: found})
            print(f"{row.file}: no whole hash is published; its sha256 {found} is pinned in {path}.", file=sys.stderr, flush=True)

    def _pins(self) -> Path:
        return self.root / ".robustgen" / f"{self.source}.pins.json"


@contextmanager
def _alone(root: Path, source: str) -> Iterator[None]:
    """Let one process at a time fetch a source; the lock ends with the process however that ends."""
    folder = root / ".robustgen"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{source}.lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another process is fetching {source}; waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _facts(path: Path, row: Row) -> dict[str, Any]:
    if not row.is_folder:
        return {"bytes": path.stat().st_size, "sha256": hash_file(path)}
    sizes = [file.stat().st_size for file in path.rglob("*") if file.is_file()]
    return {"bytes": sum(sizes), "files": len(sizes)}


def _terms(rows: list[Row]) -> dict[str, str]:
    row = next(row for row in rows if row.url)
    return {"licence": row.licence, "terms": row.terms}


def _by_hand(row: Row, path: Path) -> str:
    known = [f"{name} {value}" for name, value in (("bytes", row.bytes), ("md5", row.md5), ("sha256", row.sha256)) if value]
    return f"Put {row.url} there as {path}{f' ({known[-2]}, {known[-1]})' if known[1:] else ''}, or set data.mirror."
