"""What is tuned in a running Snakemake."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from snakemake.io import _IOFile

from robustgen.run.tuning import hash_once


def test_a_file_is_hashed_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path, inode, size and time; a file that is replaced by one of the same size and time
    has another inode. What the checksum is told, such as the algorithm, counts too.
    """
    hashed: list[str] = []

    async def plain(file: str, threshold: int | None = None, algorithm: str = "sha256") -> str:
        hashed.append(file)
        return f"{algorithm}:{Path(file).read_text()}"

    monkeypatch.setattr(_IOFile, "checksum", plain)
    hash_once()
    path = tmp_path / "one"

    def checksum(**named: str) -> str:
        return str(asyncio.run(_IOFile.checksum(str(path), 100, **named)))

    path.write_text("a")
    assert [checksum(), checksum()] == ["sha256:a", "sha256:a"]
    assert len(hashed) == 1
    assert checksum(algorithm="md5") == "md5:a"
    times = path.stat()
    other = tmp_path / "other"
    other.write_text("b")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert checksum() == "sha256:b"
    path.write_text("cc")
    assert checksum() == "sha256:cc"
    assert len(hashed) == 4
    path.unlink()
    with pytest.raises(FileNotFoundError):
        checksum()
