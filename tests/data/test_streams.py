"""Downloads of which no hash is known, and archives: read to their ends and bounded before a pin or
a file is written.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from robustgen.core.refusal import Refused
from robustgen.data.download import streams
from robustgen.data.download.archives import unpack
from serving import fetch, places, row

# stored as it is by every method, so that a changed byte changes no length
NOISE = random.Random(0).randbytes(60_000)


def tar(*members: tuple[str, bytes | int]) -> bytes:
    """A tar of files (name, content) and of headers alone (name, size)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, body in members:
            entry = tarfile.TarInfo(name)
            entry.size = body if isinstance(body, int) else len(body)
            file.addfile(entry, None if isinstance(body, int) else io.BytesIO(body))
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in members:
            file.writestr(name, body)
    return buffer.getvalue()


def flipped(body: bytes, place: int) -> bytes:
    """The same bytes with one changed."""
    changed = bytearray(body)
    changed[place] ^= 1
    return bytes(changed)


def encrypted(body: bytes) -> bytes:
    """A zip archive of one file, marked as encrypted in both of its headers."""
    central = body.index(b"PK\1\2")
    return flipped(flipped(body, 6), central + 8)


SET = tar(("set/a", NOISE))
WHOLE = {
    "set.tar.gz": gzip.compress(SET),
    "set.tgz": gzip.compress(SET),
    "set.tar.bz2": bz2.compress(SET),
    "set.tar.xz": lzma.compress(SET),
    "set.zip": zipped(("set/a", NOISE)),
    "weights.pt": zipped(("data.pkl", NOISE)),
    "images.gz": gzip.compress(NOISE),
    "notes.txt": b"plain",
}
BROKEN = {
    "its checksum in gzip": ("set.tar.gz", flipped(WHOLE["set.tar.gz"], -8)),
    "its length in gzip": ("set.tgz", flipped(WHOLE["set.tgz"], -1)),
    "a byte in gzip": ("set.tar.gz", flipped(WHOLE["set.tar.gz"], 30_000)),
    "its end in bz2": ("set.tar.bz2", WHOLE["set.tar.bz2"][:-4]),
    "a byte in bz2": ("set.tar.bz2", flipped(WHOLE["set.tar.bz2"], 30_000)),
    "its end in xz": ("set.tar.xz", flipped(WHOLE["set.tar.xz"], -1)),
    "a byte in xz": ("set.tar.xz", flipped(WHOLE["set.tar.xz"], 30_000)),
    "a byte in zip": ("set.zip", flipped(WHOLE["set.zip"], 30_000)),
    "a byte in weights": ("weights.pt", flipped(WHOLE["weights.pt"], 30_000)),
    "its end in a single file": ("images.gz", WHOLE["images.gz"][:-9]),
    "its beginning": ("set.tar.gz", flipped(WHOLE["set.tar.gz"], 0)),
    "another file": ("set.zip", b"Quota exceeded"),
}


def mirrored(tmp_path: Path, name: str, body: bytes) -> str:
    (tmp_path / "copy").mkdir(exist_ok=True)
    (tmp_path / "copy" / name).write_bytes(body)
    return str(tmp_path / "copy")


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_download_without_a_known_hash_is_pinned(tmp_path: Path, name: str) -> None:
    fetch(
        tmp_path / "root",
        row(name, url="http://x.invalid/"),
        mirror=mirrored(tmp_path, name, WHOLE[name]),
        offline=True,
    )
    assert (
        hashlib.sha256(WHOLE[name]).hexdigest()
        in (tmp_path / ("root/.robustgen/toy.pins.json")).read_text()
    )


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_first_download_is_refused_and_not_pinned(tmp_path: Path, damage: str) -> None:
    name, body = BROKEN[damage]
    toy = row(name, url="http://x.invalid/")
    with pytest.raises(Refused, match=r"gives a file that (cannot be unpacked|is not compressed)"):
        fetch(tmp_path / "root", toy, mirror=mirrored(tmp_path, name, body), offline=True)
    assert places(tmp_path / "root") == set()
    # the next one may be right
    fetch(tmp_path / "root", toy, mirror=mirrored(tmp_path, name, WHOLE[name]), offline=True)
    assert places(tmp_path / "root") == {name, ".robustgen/toy.pins.json"}


def test_a_changed_byte_in_a_file_whose_hash_is_known_is_left_to_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "robustgen.data.download.fetch.broken", lambda *_: pytest.fail("it was read for nothing")
    )
    body = WHOLE["set.zip"]
    toy = row("set.zip", url="http://x.invalid/", md5=hashlib.md5(body).hexdigest())
    fetch(tmp_path / "root", toy, mirror=mirrored(tmp_path, "set.zip", body), offline=True)


@pytest.mark.parametrize(
    "damage", [damage for damage, (name, _) in BROKEN.items() if name.startswith("set")]
)
def test_a_broken_archive_that_was_put_there_by_hand_is_not_unpacked(
    tmp_path: Path, damage: str
) -> None:
    name, body = BROKEN[damage]
    (tmp_path / name).write_bytes(body)
    with pytest.raises(
        Refused, match=(f"{name} cannot be unpacked .*; delete it to have it fetched again")
    ):
        unpack(tmp_path / name, {"set": tmp_path / "set"})
    assert places(tmp_path) == {name}


HOSTILE = {
    "encrypted": (
        encrypted(zipped(("set/a", b"A"))),
        ("holds the encrypted file set/a, which needs a password; do not trust it"),
    ),
    "declared": (
        gzip.compress(tar(("set/a", 2**40))),
        ("unpacks to more than the .* MiB that an archive of its size may"),
    ),
    "zeros in zip": (zipped(("set/a", bytes(2**21))), "unpacks to more than"),
    "zeros in gzip": (gzip.compress(tar(("set/a", bytes(2**21)))), "unpacks to more than"),
    "zeros in bz2": (bz2.compress(tar(("set/a", bytes(2**21)))), "unpacks to more than"),
    "zeros behind the end": (gzip.compress(SET + bytes(2**25)), "unpacks to more than"),
    "many files": (zipped(*((f"set/{k}", b"") for k in range(50))), "unpacks to more than"),
    "file then folder": (
        tar(("set/a", b"A"), ("set/a/b", b"B")),
        "holds a file and a folder of one name, set/a/b; do not trust it",
    ),
    "folder then file": (
        tar(("set/a/b", b"B"), ("set/a", b"A")),
        ("holds a file and a folder of one name"),
    ),
    "both in zip": (
        zipped(("set/a", b"A"), ("set/a/b", b"B")),
        ("holds a file and a folder of one name"),
    ),
    "both in zip, turned": (
        zipped(("set/a/b", b"B"), ("set/a", b"A")),
        ("holds a file and a folder of one name"),
    ),
    "a long name": (zipped((f"set/{'a' * 300}", b"A")), "cannot be unpacked .*File name too long"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_archive_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    body, sentence = HOSTILE[attack]
    if "unpacks" in sentence and attack != "declared":
        monkeypatch.setattr(streams, "FLOOR", 2**16)
        monkeypatch.setattr(streams, "RATIO", 10)
    (tmp_path / "set.bin").write_bytes(body)
    with pytest.raises(Refused, match=rf"set\.bin {sentence}"):
        unpack(tmp_path / "set.bin", {"set": tmp_path / "set"})
    assert places(tmp_path) == {"set.bin"}


@pytest.mark.parametrize("make", [zipped, tar])
def test_an_archive_for_which_the_disk_has_no_room_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., bytes]
) -> None:
    monkeypatch.setattr(streams.shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    (tmp_path / "set.bin").write_bytes(make(("set/a", bytes(2**21)), ("set/b", bytes(2**21))))
    with pytest.raises(
        Refused, match=(r"set.bin unpacks to 4 MiB or more, but only 3 MiB are free; make room\.$")
    ):
        unpack(tmp_path / "set.bin", {"set": tmp_path / "set"})
    assert places(tmp_path) == {"set.bin"}


def test_an_archive_as_large_as_real_ones_is_within_bounds(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(zipped(("set/a", bytes(2**21))))
    assert streams.Room(tmp_path / "set.zip").most >= 2**26
    unpack(tmp_path / "set.zip", {"set": tmp_path / "set"})
    assert places(tmp_path) == {"set.zip", "set/a"}


# --- pins -----------------------------------------------------------------------------------------


def test_the_remedy_of_a_wrong_pin_works(tmp_path: Path) -> None:
    root, toy, pins = (
        tmp_path / "root",
        row("a.txt", url="http://x.invalid/"),
        tmp_path / ("root/.robustgen/toy.pins.json"),
    )
    fetch(root, toy, mirror=mirrored(tmp_path, "a.txt", b"a wrong one"), offline=True)
    (root / "a.txt").unlink()
    remedy = rf"has the sha256 .*pinned at its first download; .* remove 'a\.txt' from {pins}"
    with pytest.raises(Refused, match=remedy):
        fetch(root, toy, mirror=mirrored(tmp_path, "a.txt", b"the right one"), offline=True)
    (root / "a.txt").write_bytes(b"the right one")
    with pytest.raises(Refused, match=remedy):
        fetch(root, toy)
    (root / "a.txt").unlink()
    pins.write_text(pins.read_text().replace('"a.txt"', '"was a.txt"'))
    fetch(root, toy, mirror=mirrored(tmp_path, "a.txt", b"the right one"), offline=True)
    assert (root / "a.txt").read_bytes() == b"the right one"


@pytest.mark.parametrize("garbage", [b"\xff\x00\x81", b"{", b"[1]", b'{"a.txt": 3}', b""])
def test_damaged_pins_are_one_sentence_and_stay(tmp_path: Path, garbage: bytes) -> None:
    pins = tmp_path / ".robustgen/toy.pins.json"
    pins.parent.mkdir()
    pins.write_bytes(garbage)
    with pytest.raises(
        Refused,
        match=(r"toy.pins.json is no JSON map from files to their sha256; bring back a copy"),
    ) as refused:
        fetch(tmp_path, row("a.txt", url="http://x.invalid/"), offline=True)
    # it is not set aside: files would be pinned again without a word
    assert refused.value.damaged is None
    assert pins.read_bytes() == garbage


def test_a_file_known_by_its_first_digits_stays_the_one_that_was_pinned(tmp_path: Path) -> None:
    toy = row("a.txt", url="http://x.invalid/", sha256=hashlib.sha256(b"one").hexdigest()[:8])
    fetch(tmp_path / "root", toy, mirror=mirrored(tmp_path, "a.txt", b"one"), offline=True)
    pins = tmp_path / "root/.robustgen/toy.pins.json"
    pins.write_text(
        pins.read_text().replace(hashlib.sha256(b"one").hexdigest(), (f"{toy.sha256}{'0' * 56}"))
    )
    with pytest.raises(Refused, match=r"right is .*0000000 .*pinned at its first download"):
        fetch(tmp_path / "root", toy)


def test_a_receipt_knows_every_byte_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(zipped(("set/a", b"A"), ("set/b", b"B")))
    rows = row("set.zip", url="http://x.invalid/"), row("set/", within="set.zip")
    before = fetch(tmp_path, *rows)["files"]["set/"]
    assert (before["bytes"], before["files"], len(before["sha256"])) == (2, 2, 64)
    (tmp_path / "set/a").write_bytes(b"C")
    assert fetch(tmp_path, *rows)["files"]["set/"]["sha256"] != before["sha256"]
