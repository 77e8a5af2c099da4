"""Archives: only what is asked for, whole or not at all, nothing outside of their folder."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from robustgen.core.refusal import Refused
from serving import Server, fetch, places, row, served


def tar(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            file.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def link(kind: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        entry = tarfile.TarInfo("set/a")
        entry.type, entry.linkname = kind, "/etc/passwd"
        file.addfile(entry)
    return buffer.getvalue()


def zipped(name: str, body: bytes = b"x", mode: int = 0o100644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        file.writestr(entry, body)
    return buffer.getvalue()


def test_an_archive_is_unpacked_and_a_present_folder_needs_none(
    server: Server, tmp_path: Path
) -> None:
    whole = tar(
        **{"top/set/a": b"A", "top/set/deep/b": b"B", "top/list.csv": b"C", "top/else": b"D"}
    )
    archive = served(server, "data/set.tgz", whole)
    ends = [row("data/set/", within="data/set.tgz"), row("data/list.csv", within="data/set.tgz")]
    receipt = fetch(tmp_path, archive, *ends)
    assert places(tmp_path) == {"data/set.tgz", "data/set/a", "data/set/deep/b", "data/list.csv"}
    assert receipt["files"]["data/set/"].items() >= {"bytes": 2, "files": 2}.items()
    (tmp_path / "data/set.tgz").unlink()
    assert fetch(tmp_path, archive, *ends) == receipt
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (tar(**{"set/a": b"A", "../outside": b"evil"}), r"\.\./outside, which would lie outside"),
        (tar(**{"set/a": b"A", "/outside": b"evil"}), "which would lie outside"),
        (link(tarfile.SYMTYPE), "links are not unpacked"),
        (link(tarfile.LNKTYPE), "links are not unpacked"),
        (link(tarfile.CHRTYPE), "neither file nor folder"),
        (zipped("../outside"), "which would lie outside"),
        (zipped("set/a", b"/etc/passwd", 0o120777), "links are not unpacked"),
        (tar(**{"other/a": b"A"}), "holds no set; is it the right archive"),
        (b"not an archive", "cannot be unpacked"),
        (tar(**{"set/a": os.urandom(50_000)})[:-20_000], "cannot be unpacked"),
    ],
)
def test_a_hostile_or_damaged_archive_is_refused_and_leaves_nothing(
    server: Server, tmp_path: Path, body: bytes, sentence: str
) -> None:
    root = tmp_path / "root"
    with pytest.raises(Refused, match=sentence):
        fetch(root, served(server, "set.tgz", body), row("set/", within="set.tgz"))
    assert places(tmp_path) == {"root/set.tgz"}
