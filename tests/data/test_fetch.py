"""Downloads against a server that misbehaves: one sentence each, and the cache stays right."""

from __future__ import annotations

import csv
import hashlib
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.data.download import download
from robustgen.data.download.sources import Row
from serving import DATA, Server, fetch, places, row, served


def test_a_download_is_checked_put_in_place_and_not_repeated(
    server: Server, tmp_path: Path
) -> None:
    toy = served(server, "folder/toy.bin", DATA)
    receipt = fetch(tmp_path, toy)
    assert (tmp_path / "folder/toy.bin").read_bytes() == DATA
    assert receipt["files"]["folder/toy.bin"] == {
        "bytes": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    assert fetch(tmp_path, toy) == receipt
    assert len(server.seen) == 1
    assert places(tmp_path) == {"folder/toy.bin"}


def test_a_broken_transfer_is_resumed_where_it_broke(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.spoil["break"] = 2
    fetch(tmp_path, served(server, "toy.bin", DATA))
    assert (tmp_path / "toy.bin").read_bytes() == DATA
    asked = [span for _, span in server.seen]
    assert asked[0] is None
    assert asked[1] == f"bytes={len(DATA) // 2}-"
    assert asked[2] == f"bytes={len(DATA) // 2 + len(DATA) // 4}-"
    assert "broke off after 1536000 of 3072000 bytes; try 2 of 5" in capsys.readouterr().err


def test_a_server_that_cannot_resume_begins_anew(server: Server, tmp_path: Path) -> None:
    server.spoil["break"], server.ranges = 1, False
    fetch(tmp_path, served(server, "toy.bin", DATA))
    assert (tmp_path / "toy.bin").read_bytes() == DATA


def test_an_earlier_beginning_of_another_file_is_thrown_away(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / ".toy.bin.part").write_bytes(b"stale" * 1000)
    fetch(tmp_path, served(server, "toy.bin", DATA))
    assert (tmp_path / "toy.bin").read_bytes() == DATA


def test_a_part_that_is_already_more_than_the_file_is_begun_anew(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / ".toy.bin.part").write_bytes(DATA + DATA)
    fetch(tmp_path, served(server, "toy.bin", DATA))
    assert (tmp_path / "toy.bin").read_bytes() == DATA


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.spoil["503"] = 3
    fetch(tmp_path, served(server, "toy.bin", DATA))
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("page", "gives a web page instead of the file"),
        ("503", "answers 503"),
        ("break", "broke off after"),
        (
            "checksum",
            (
                "gives a file that has the md5 [0-9a-f]{32}, right is "
                "00000000000000000000000000000000"
            ),
        ),
        ("gone", "answers 404"),
        ("nobody", "cannot be reached"),
        ("name", "cannot be reached .*Name or service not known|cannot be reached"),
    ],
)
def test_what_cannot_be_had_is_one_sentence_that_says_what_to_do(
    server: Server, tmp_path: Path, way: str, sentence: str
) -> None:
    server.spoil[way] = 100
    toy = served(server, "toy.bin", DATA, **({"md5": "0" * 32} if way == "checksum" else {}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        urls = {
            "gone": f"{server.url}/none",
            "nobody": f"http://127.0.0.1:{free.getsockname()[1]}/x",
            "name": "http://no.invalid/x",
        }
        toy = row("toy.bin", url=urls.get(way, toy.url), md5=toy.md5)
        with pytest.raises(Refused, match=sentence) as refused:
            fetch(tmp_path, toy)
    assert f"Put {toy.url} there as {tmp_path}/toy.bin" in str(refused.value)
    assert not (tmp_path / "toy.bin").exists()
    # only a true beginning is kept
    assert places(tmp_path) == ({".toy.bin.part"} if way == "break" else set())


def test_a_truncated_file_is_caught_by_its_hash(server: Server, tmp_path: Path) -> None:
    short = served(
        server, "toy.bin", DATA[:1000], md5=hashlib.md5(DATA).hexdigest(), bytes=str(len(DATA))
    )
    with pytest.raises(Refused, match="and 1000 bytes of 3072000"):
        fetch(tmp_path, short)
    assert not (tmp_path / "toy.bin").exists()


def test_the_second_address_serves_where_the_first_does_not(server: Server, tmp_path: Path) -> None:
    toy = served(server, "toy.bin", DATA)
    fetch(tmp_path, row("toy.bin", url=f"{server.url}/gone", mirror=toy.url, md5=toy.md5))
    assert (tmp_path / "toy.bin").read_bytes() == DATA


@pytest.mark.parametrize("kind", ["folder", "file:", "http"])
def test_a_mirror_is_asked_first(server: Server, tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy"
    (copy / "deep").mkdir(parents=True)
    (copy / "deep/toy.bin").write_bytes(DATA)
    server.files[f"/{copy.name}/deep/toy.bin"] = DATA
    mirror = {"folder": str(copy), "file:": f"file://{copy}", "http": f"{server.url}/copy/"}[kind]
    toy = row("deep/toy.bin", url=f"{server.url}/elsewhere", md5=hashlib.md5(DATA).hexdigest())
    fetch(tmp_path / "root", toy, mirror=mirror)
    assert (tmp_path / "root/deep/toy.bin").read_bytes() == DATA
    assert [path for path, _ in server.seen] == (
        [f"/{copy.name}/deep/toy.bin"] if kind == "http" else []
    )


def test_offline_asks_no_server_and_says_all_that_is_missing(
    server: Server, tmp_path: Path
) -> None:
    rows = [served(server, name, DATA) for name in ("a.bin", "b.bin")]
    with pytest.raises(Refused, match=r"offline run.*a\.bin there as .*b\.bin there as"):
        fetch(tmp_path / "root", *rows, offline=True)
    (tmp_path / "copy").mkdir()
    for each in rows:
        (tmp_path / "copy" / each.file).write_bytes(DATA)
    fetch(tmp_path / "root", *rows, offline=True, mirror=str(tmp_path / "copy"))
    assert server.seen == []


def test_a_wrong_file_in_place_is_named_and_not_overwritten(server: Server, tmp_path: Path) -> None:
    (tmp_path / "toy.bin").write_bytes(b"mine")
    with pytest.raises(
        Refused, match=(r"toy\.bin has the md5 .* delete it to have it fetched again")
    ):
        fetch(tmp_path, served(server, "toy.bin", DATA))
    assert (tmp_path / "toy.bin").read_bytes() == b"mine"


def test_an_unpublished_hash_is_pinned_at_the_first_download(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = served(server, "toy.bin", DATA, md5="")
    fetch(tmp_path, toy)
    assert f"its sha256 {hashlib.sha256(DATA).hexdigest()} is pinned" in capsys.readouterr().err
    (tmp_path / "toy.bin").unlink()
    server.files["/toy.bin"] = DATA[::-1]
    with pytest.raises(Refused, match="has the sha256"):
        fetch(tmp_path, toy)


def test_the_first_digits_of_a_hash_are_enough_to_recognise_a_file(
    server: Server, tmp_path: Path
) -> None:
    right = hashlib.sha256(DATA).hexdigest()[:8]
    fetch(tmp_path, served(server, "toy.bin", DATA, md5="", sha256=right))
    with pytest.raises(Refused, match="has the sha256"):
        fetch(tmp_path, served(server, "other.bin", DATA, md5="", sha256="00000000"))


def test_files_unpacked_already_are_taken_as_they_are(server: Server, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/images").write_bytes(b"plain")
    fetch(tmp_path, served(server, "raw/images.gz", DATA))
    assert server.seen == []


# --- processes and disks --------------------------------------------------------------------------


@pytest.fixture
def register(server: Server, tmp_path: Path) -> Path:
    """A register on disk of one file that the server has."""
    path, toy = tmp_path / "sources.csv", served(server, "toy.bin", DATA)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerow([getattr(toy, field.name) for field in fields(Row)])
    return path


@pytest.fixture
def call(register: Path) -> Callable[[Path], list[str]]:
    """The command that fetches it into a folder."""
    script = [
        sys.executable,
        str(ROOT / "scripts/fetch.py"),
        "--source",
        "toy",
        "--register",
        str(register),
    ]
    return lambda root: [*script, "--root", str(root)]


def test_two_processes_at_once_download_once(
    server: Server, tmp_path: Path, call: Callable[[Path], list[str]]
) -> None:
    server.delay = 1.0
    both = [
        subprocess.Popen(
            call(tmp_path / "root"), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in "ab"
    ]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(server.seen) == 1
    assert sum("Another process is fetching toy; waiting for it." in text for text in said) == 1


def mounted(folder: Path, options: str) -> bool:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(mount, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("size=1m", "MiB free, toy.bin needs 3 more; make room"),
        ("size=1m,ro", "Read-only file system"),
    ],
)
def test_a_full_and_a_read_only_disk_are_one_sentence(
    tmp_path: Path, call: Callable[[Path], list[str]], options: str, sentence: str
) -> None:
    root = tmp_path / "disk"
    if not mounted(root, options):
        pytest.skip("mounting a small disk needs root")
    try:
        found = subprocess.run(call(root), check=False, capture_output=True, text=True)
        assert found.returncode == 1
        assert sentence in found.stderr
        assert "Traceback" not in found.stderr
        assert places(root) == set()
    finally:
        subprocess.run(["umount", root], check=True)


def test_a_disk_that_fills_up_on_the_way_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "disk"
    monkeypatch.setattr(download, "_make_room", lambda *_: None)
    if not mounted(root, "size=1m"):
        pytest.skip("mounting a small disk needs root")
    try:
        with pytest.raises(OSError, match="No space left"):  # which `command` says in a sentence
            fetch(root, served(server, "toy.bin", DATA))
        assert not (root / "toy.bin").exists()
    finally:
        subprocess.run(["umount", root], check=True)
