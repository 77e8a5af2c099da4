"""Downloads found again: another data root takes from the cache what was fetched before, checked as
a download is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from robustgen.core import cache
from robustgen.core.files import read_json
from robustgen.core.refusal import Refused
from serving import DATA, Server, fetch, places, row, served


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_another_root_asks_no_server_and_has_the_same_receipt_even_offline(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = served(server, "deep/toy.bin", DATA)
    receipt = fetch(tmp_path / "one", toy)
    assert fetch(tmp_path / "other", toy, offline=True) == receipt
    assert len(server.seen) == 1
    assert places(tmp_path / "other") == places(tmp_path / "one") == {"deep/toy.bin"}
    assert "Taken from the cache" in capsys.readouterr().err


def test_an_archive_is_kept_and_unpacked_anew(server: Server, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("inner.txt", "inside")
    rows = [served(server, "toy.zip", packed.getvalue()), row("inner.txt", within="toy.zip")]
    receipts = [fetch(tmp_path / root, *rows) for root in ("one", "other")]
    assert receipts[0] == receipts[1]
    assert (tmp_path / "other/inner.txt").read_text() == "inside"
    assert len(server.seen) == 1


def test_a_file_without_a_published_hash_is_pinned_in_each_root(
    server: Server, tmp_path: Path
) -> None:
    toy = served(server, "toy.bin", DATA, md5="")
    for root in ("one", "other"):
        fetch(tmp_path / root, toy)
    one, other = (tmp_path / root / ".robustgen/toy.pins.json" for root in ("one", "other"))
    assert read_json(other) == read_json(one)
    assert list(read_json(one)) == ["toy.bin"]
    assert len(server.seen) == 1


def test_what_is_kept_does_not_pass_for_what_was_pinned_here(
    server: Server, tmp_path: Path
) -> None:
    """The server's file has changed since this root pinned it: refused, as without a cache."""
    toy = served(server, "toy.bin", b"old", md5="")
    fetch(tmp_path / "here", toy)
    (tmp_path / "here/toy.bin").unlink()
    server.files["/toy.bin"] = b"new"
    (tmp_path / "cache").rename(tmp_path / "before")
    fetch(tmp_path / "other", toy)
    with pytest.raises(Refused, match="pinned at its first download"):
        fetch(tmp_path / "here", toy)
    assert not (tmp_path / "here/toy.bin").exists()


OTHERS: dict[str, Callable[[Server], object]] = {
    "hash": lambda server: served(server, "toy.bin", b"other"),
    "address": lambda server: row("toy.bin", url=f"{server.url}/moved.bin"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_row_of_another_hash_or_address_is_fetched(
    server: Server, tmp_path: Path, name: str
) -> None:
    fetch(tmp_path / "one", served(server, "toy.bin", DATA))
    server.files["/moved.bin"] = b"other"
    fetch(tmp_path / "other", OTHERS[name](server))
    assert (tmp_path / "other/toy.bin").read_bytes() == b"other"
    assert len(server.seen) == 2


def test_a_damaged_copy_is_fetched_again_and_replaced(
    server: Server, tmp_path: Path, folder: Path
) -> None:
    toy = served(server, "toy.bin", DATA)
    fetch(tmp_path / "one", toy)
    (kept,) = (folder / "files").iterdir()
    kept.write_bytes(DATA[::-1])
    for root in ("two", "three"):
        fetch(tmp_path / root, toy)
        assert (tmp_path / root / "toy.bin").read_bytes() == DATA
    assert len(server.seen) == 2
