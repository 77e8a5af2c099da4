"""The cache between studies: whole entries of the right key are found, and no others."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from robustgen.core import cache

FACTS = {"best_epoch": 3}
NAMES = ("weights.safetensors", "history.csv")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder, which does not exist yet."""
    monkeypatch.setattr(cache, "commit", lambda _: "abc")  # a process of git each time
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def files(folder: Path, content: str | None = None) -> dict[str, Path]:
    """Two files in a folder, written where there is a content."""
    folder.mkdir(exist_ok=True)
    found = {name: folder / name for name in NAMES}
    for name, path in found.items():
        if content is not None:
            path.write_text(f"{content} of {name}")
    return found


def texts(paths: dict[str, Path]) -> list[str]:
    return [path.read_text() for path in paths.values()]


def test_what_is_kept_is_found_under_its_key_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.keep("key", files(tmp_path / "one", "bytes"), FACTS)
    other = files(tmp_path / "other")
    assert cache.take("another key", other) is None
    assert not any(path.exists() for path in other.values())
    facts = cache.take("key", other)
    assert facts is not None
    assert facts[cache.TAKEN]["commit"] == "abc"
    assert facts == {**FACTS, cache.TAKEN: facts[cache.TAKEN]}
    assert texts(other) == [f"bytes of {name}" for name in NAMES]
    assert f"made {facts[cache.TAKEN]['at']}; commit: abc." in capsys.readouterr().err


def test_without_the_variable_nothing_is_kept_or_found(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep("key", files(tmp_path / "one", "bytes"), FACTS)
    for value in (None, ""):
        monkeypatch.delenv(cache.VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(cache.VARIABLE, value)
        assert cache.take("key", files(tmp_path / "other")) is None
        cache.keep("more", files(tmp_path / "one", "bytes"), FACTS)
    assert len(list((folder / "entries").iterdir())) == 1


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def entry(change: Callable[[dict[str, object]], object]) -> Callable[[Path, Path], None]:
    """A damage that leaves valid JSON."""

    def damage(place: Path, _: Path) -> None:
        place.write_text(json.dumps(change(json.loads(place.read_text()))))

    return damage


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "a byte of a file": lambda _, file: flip(file),
    "a file is gone": lambda _, file: file.unlink(),
    "a file is cut": lambda _, file: file.write_bytes(file.read_bytes()[:-1]),
    "no JSON": lambda place, _: flip(place),
    "no text": lambda place, _: place.write_bytes(b"\xff\xfe\x00"),
    "a list": entry(lambda found: [found]),
    "no facts": entry(lambda found: {**found, "facts": None}),
    "another key": entry(lambda found: {**found, "key": "another"}),
    "other files": entry(lambda found: {**found, "files": {}}),
    "a place of one's own": entry(
        lambda found: {**found, "files": dict.fromkeys(NAMES, "../../secret")}
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_entry_is_told_not_used_and_replaced(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "secret").write_text("not of the cache")
    cache.keep("key", files(tmp_path / "one", "bytes"), FACTS)
    (place,) = (folder / "entries").iterdir()
    DAMAGES[name](place, sorted((folder / "files").iterdir())[0])
    assert cache.take("key", files(tmp_path / "other")) is None
    assert f"The cache's {place} is of no use (" in capsys.readouterr().err
    cache.keep("key", files(tmp_path / "one", "bytes"), FACTS)
    assert cache.take("key", mended := files(tmp_path / "mended")) is not None
    assert texts(mended) == [f"bytes of {name}" for name in NAMES]


def test_jobs_that_keep_the_same_at_once_do_not_mix_their_files(tmp_path: Path) -> None:
    """Two jobs keep entries of one key with other bytes, as on a device whose kernels are not
    deterministic; whoever takes one meanwhile has both files of the same job.
    """
    over = threading.Event()

    def keep(content: str) -> None:
        mine = files(tmp_path / content, content)
        while not over.is_set():
            cache.keep("key", mine, {"by": content})

    cache.keep("key", files(tmp_path / "first", "first"), {"by": "first"})
    threads = [threading.Thread(target=keep, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    seen, takes, deadline = set(), 0, time.monotonic() + 60
    try:
        while takes < 100 or not {"one", "two"} <= seen:
            takes += 1
            assert time.monotonic() < deadline, f"after {takes} takes only {seen}"
            facts = cache.take("key", other := files(tmp_path / "other"))
            assert facts is not None
            assert texts(other) == [f"{facts['by']} of {name}" for name in NAMES]
            seen.add(facts["by"])
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_folder_that_cannot_be_written_to_costs_a_line(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write_text("a file, no folder")
    cache.keep("key", one := files(tmp_path / "one", "bytes"), FACTS)
    assert f"Nothing is kept in the cache {folder}: " in capsys.readouterr().err
    assert texts(one) == [f"bytes of {name}" for name in NAMES]
    assert cache.take("key", files(tmp_path / "other")) is None
