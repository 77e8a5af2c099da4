"""Files, rows and shards: whole or absent, refused when damaged, taken up after a kill."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgen.core import files, rows, shards, tensors
from robustgen.core.command import command
from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused

settings.load_profile("ci")  # no deadline, same examples in every run
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

# --- files ----------------------------------------------------------------------------------------


def half_a_write(path: Path) -> None:
    with files.atomic(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    files.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        half_a_write(path)
    assert [found.name for found in tmp_path.iterdir()] == ["rows.csv"]
    assert path.read_text(encoding="utf-8") == "old"


def test_an_interrupted_first_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        half_a_write(tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_seen_under_the_name_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.csv"
    with files.atomic(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"


def test_a_written_file_may_be_read_by_all_and_written_by_its_owner(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "a")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one, max_size=3)
    )
)
def test_json_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    files.write_json(path, {"value": value})
    assert files.read_json(path) == {"value": value}


def test_arrays_and_their_text_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    arrays = {
        "turned": np.arange(6, dtype=np.int64).reshape(2, 3).T,
        "bytes": np.array([0, 255], np.uint8),
    }
    tensors.write_arrays(path, arrays, {"key": "value"})
    found = tensors.read_arrays(path)
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {
        n: (a.dtype, a.tolist()) for n, a in arrays.items()
    }
    assert tensors.read_meta(path) == {"key": "value"}


@pytest.mark.parametrize("read", [files.read_json, tensors.read_arrays, rows.read_rows])
def test_a_missing_file_is_refused_by_name(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.file does not exist; run the job that makes it\.$"):
        read(tmp_path / "gone.file")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", (b"PAR1 and then nothing PAR1")], ids=repr
)
@pytest.mark.parametrize("read", [files.read_json, tensors.read_arrays, rows.read_rows])
def test_a_damaged_file_is_refused_by_name(
    read: Callable[[Path], Any], content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.file"
    path.write_bytes(content)
    with pytest.raises(
        BadFile, match=(r"(?s)damaged\.file is not .*; put a whole one in its place\.$")
    ):
        read(path)


def test_every_truncation_of_a_file_is_refused(tmp_path: Path) -> None:
    tensors.write_arrays(tmp_path / "a", {"a": np.arange(50.0)}, {"key": "k"})
    rows.write_rows(tmp_path / "r", table(), unit="image")
    for name, read in (("a", tensors.read_arrays), ("r", rows.read_rows)):
        whole = (tmp_path / name).read_bytes()
        for length in range(0, len(whole), 37):
            (tmp_path / name).write_bytes(whole[:length])
            with pytest.raises(BadFile):
                read(tmp_path / name)
            assert tensors.read_meta(tmp_path / name) == {}


def test_every_changed_byte_of_a_file_is_noticed(tmp_path: Path) -> None:
    tensors.write_arrays(tmp_path / "a", {"a": np.arange(50.0), "b": np.arange(7)}, {"key": "k"})
    rows.write_rows(tmp_path / "r", table(200), unit="image")
    for name, read in (("a", tensors.read_arrays), ("r", rows.read_rows)):
        whole, right = (tmp_path / name).read_bytes(), str(read(tmp_path / name))
        for place in range(0, len(whole), 7):
            changed = bytearray(whole)
            changed[place] ^= 1
            (tmp_path / name).write_bytes(changed)
            with suppress(BadFile):
                # a note about the writer, say
                assert str(read(tmp_path / name)) == right, f"{name}: byte {place}"


def test_a_command_sets_a_damaged_file_of_a_study_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("results/study/rows.parquet")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(SystemExit) as ended:
        command(lambda: rows.read_rows(path))
    assert "rows.parquet is not a whole parquet file" in str(ended.value)
    assert (
        "delete it and run again. It was set aside as rows.parquet.damaged; a run makes it again."
    ) in str(ended.value)
    assert [found.name for found in path.parent.iterdir()] == ["rows.parquet.damaged"]


def test_a_damaged_file_of_the_users_own_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(
        SystemExit, match=(r"mine\.safetensors is not .*; put a whole one in its place\.$")
    ):
        command(lambda: tensors.read_arrays(path))
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "left"), [(".tmpXOPV4R", True), (".rows.ab12cd_9.parquet", True), (".tmp", False)]
)
def test_what_a_kill_leaves_in_the_middle_of_writing_is_found(
    tmp_path: Path, name: str, left: bool
) -> None:
    (tmp_path / "seed0").mkdir()
    (tmp_path / "seed0" / name).write_bytes(b"half")
    assert bool(files.leftovers(tmp_path)) == left


def test_a_writer_of_tensors_that_is_killed_leaves_nothing_that_is_not_found(
    tmp_path: Path,
) -> None:
    code = (
        "import numpy, sys; from safetensors.numpy import save_file; save_file({'a': "
        "numpy.zeros(4 * 10**7)}, sys.argv[1])"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a.safetensors")])
    while writer.poll() is None and not any(tmp_path.iterdir()):
        pass
    writer.kill()
    writer.wait()
    left = [path for path in tmp_path.iterdir() if path.name != "a.safetensors"]
    assert files.leftovers(tmp_path) == left


def table(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": ["a"] * n, "index": np.arange(n), "energy": np.linspace(-3, 5, n)}
    )


# --- shards ---------------------------------------------------------------------------------------


class Work:
    """A computation that remembers what it was asked for."""

    def __init__(self, beside: Path) -> None:
        self.beside, self.asked = beside, list[str]()

    def __call__(self, item: str) -> dict[str, np.ndarray]:
        self.asked.append(item)
        return {"x": np.array([int(item)])}

    def run(self, key: str, items: tuple[str, ...] = ("1", "2", "3")) -> list[int]:
        self.asked.clear()
        found = shards.sharded(list(items), beside=self.beside, key=key, compute=self, what="work")
        return [int(arrays["x"][0]) for arrays in found]


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    assert (work.run("k"), work.asked) == ([1, 2, 3], ["1", "2", "3"])
    assert (work.run("k"), work.asked) == ([1, 2, 3], [])


def test_another_key_computes_all_anew(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    work.run("k")
    assert (work.run("other"), work.asked) == ([1, 2, 3], ["1", "2", "3"])


@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_only_a_damaged_shard_is_computed_anew(length: int, tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    work.run("k")
    path = shards.shard_folder(work.beside) / "2.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    assert (work.run("k"), work.asked) == ([1, 2, 3], ["2"])


def test_a_shard_with_a_changed_byte_is_computed_anew(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    work.run("k")
    path = shards.shard_folder(work.beside) / "2.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    assert (work.run("k"), work.asked) == ([1, 2, 3], ["2"])


def test_a_stopped_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    for _ in zip(
        range(2),
        shards.sharded(["1", "2", "3"], beside=work.beside, key="k", compute=work, what="w"),
        strict=False,
    ):
        pass
    done = list(work.asked)
    assert work.run("k") == [1, 2, 3]
    assert (done + work.asked) == ["1", "2", "3"]


def test_shards_of_two_outputs_of_a_folder_do_not_meet_and_go_when_removed(tmp_path: Path) -> None:
    one, other = Work(tmp_path / "one.safetensors"), Work(tmp_path / "other.safetensors")
    one.run("k")
    other.run("k")
    shards.remove(one.beside)
    assert not shards.shard_folder(one.beside).exists()
    assert (other.run("k"), other.asked) == ([1, 2, 3], [])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(Refused, match="could not be written"):
            tensors.write_arrays(tmp_path / "big.safetensors", {"a": np.zeros(10**6)})
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", tmp_path], check=True)
