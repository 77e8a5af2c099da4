"""Jobs that are split, killed and resumed end with the bytes of one that runs whole, and take up
what is theirs alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import made
from robustgen.core import shards
from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused
from robustgen.core.rows import read_rows
from robustgen.core.tensors import read_arrays, write_arrays
from robustgen.jobs import measure
from robustgen.jobs.inputs import share

KINDS = ("attack", "score", "lid", "kd_bu")
OPTIONS = {"lid": {"k": 5, "batch": 10}, "kd_bu": {"passes": 4}}
BATCHES = [f"{name}-{k}" for name, n in made.SPLITS.items() for k in range(0, n, 5)]
CHUNKS = ["validation-0", "validation-1", "test-0", "test-1", "test-2"]
Job = Any
Maker = Callable[[Path], Job]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, its net, and images of an attack on it."""
    base = made.made(tmp_path_factory.mktemp("made"))
    made.done(made.attack_job(base, base / "attacked/images.safetensors"))
    return base


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of 10 images, and the thread count that was."""
    monkeypatch.setattr(measure, "CHUNK", 10)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=KINDS)
def what(request: pytest.FixtureRequest) -> str:
    """A job that keeps shards."""
    return str(request.param)


@pytest.fixture
def make(folder: Path, what: str) -> Maker:
    """Such a job, which writes into a folder."""
    attacked = {"attack": "pgd", "images": folder / "attacked/images.safetensors"}

    def job(where: Path) -> Job:
        where.mkdir(exist_ok=True)
        if what == "attack":
            return made.attack_job(folder, where / "images.safetensors")
        if what == "score":
            return made.score_job(folder, where / "scores.parquet", **attacked)
        told = {**attacked, "options": OPTIONS[what]}
        return made.measure_job(folder, where / "rows.parquet", what, **told)

    return job


WHOLE: dict[str, dict[str, bytes]] = {}  # what the jobs write that run whole


@pytest.fixture
def whole(make: Maker, what: str, tmp_path: Path) -> dict[str, bytes]:
    """What the job writes that runs whole; made once."""
    if what not in WHOLE:
        WHOLE[what] = made.done(make(tmp_path / "whole"))
    return WHOLE[what]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shards that are computed from now on."""
    found = list[str]()
    watched(monkeypatch, found.append)
    return found


def watched(monkeypatch: pytest.MonkeyPatch, see: Callable[[str], None]) -> None:
    """Have a function called before each shard that is computed."""
    before = shards.sharded

    def sharded(items: list[str], *, compute: Callable[[str], Any], **named: Any) -> Any:
        def watching(item: str) -> Any:
            see(item)
            return compute(item)

        return before(items, compute=watching, **named)

    monkeypatch.setattr(shards, "sharded", sharded)


def items(what: str) -> list[str]:
    return BATCHES if what in ("attack", "score") else CHUNKS


def in_parts(job: Job, count: int) -> Job:
    """The gathering job, after all parts have run, the last one first."""
    for number in range(count, 0, -1):
        made.done(replace(job, part=f"{number}/{count}"))
    return replace(job)  # of another process: nothing is cached


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_parts_and_the_job_that_gathers_them_make_the_bytes_of_the_whole_job(
    make: Maker,
    whole: dict[str, bytes],
    computed: list[str],
    what: str,
    tmp_path: Path,
    count: int,
) -> None:
    gathering = in_parts(make(tmp_path / "parts"), count)
    assert sorted(computed) == sorted(items(what))
    assert not gathering.out.exists()
    assert made.done(gathering) == whole
    assert len(computed) == len(items(what))  # the gathering job computed none
    assert not shards.shard_folder(gathering.out).exists()


def test_what_is_lost_of_the_parts_is_computed_by_the_job_that_gathers_them(
    make: Maker, whole: dict[str, bytes], computed: list[str], what: str, tmp_path: Path
) -> None:
    gathering = in_parts(make(tmp_path / "parts"), 2)
    computed.clear()
    lost, damaged = items(what)[0], items(what)[-1]
    kept = shards.shard_folder(gathering.out)
    (kept / f"{lost}.safetensors").unlink()
    (kept / f"{damaged}.safetensors").write_bytes(b"half")
    assert made.done(gathering) == whole
    assert computed == [lost, damaged]
    computed.clear()
    gathering = in_parts(make(tmp_path / "lost"), 2)
    shutil.rmtree(shards.shard_folder(gathering.out))
    computed.clear()
    assert made.done(gathering) == whole
    assert computed == items(what)


def test_a_job_killed_in_the_middle_goes_on_there_and_ends_with_the_same_bytes(
    make: Maker,
    whole: dict[str, bytes],
    computed: list[str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, after = make(tmp_path / "killed"), 3
    killed(job, computed, monkeypatch, after)
    assert computed == items(what)[:after]
    assert not job.out.exists()
    computed.clear()
    assert made.done(replace(job)) == whole
    assert computed == items(what)[after:]


def killed(job: Job, computed: list[str], monkeypatch: pytest.MonkeyPatch, after: int = 2) -> None:
    """Run a job that is stopped when it has computed so many shards."""
    computed.clear()

    def stop(item: str) -> None:
        if len(computed) > after:  # this one is noted already
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        watched(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            made.done(job)
    computed[:] = computed[:after]


@pytest.mark.parametrize(
    "change", [{"threads": 2}, {"batch": 4}, {"code": "other"}, {"seed": 1}, {"study_seed": 1}]
)
def test_shards_of_other_settings_are_not_taken_up(
    make: Maker,
    computed: list[str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
) -> None:
    whole = made.done(replace(make(tmp_path / "whole"), **change))
    asked = list(computed)
    job = make(tmp_path / "other")
    killed(job, computed, monkeypatch)
    computed.clear()
    assert made.done(replace(job, **change)) == whole
    assert computed == asked


def test_shards_of_other_images_or_weights_are_not_taken_up(
    make: Maker,
    computed: list[str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same paths, whose files hold something else by now."""
    job = make(tmp_path / "killed")
    copy = tmp_path / "copy"
    shutil.copytree(job.model.data, copy)
    there = replace(job.model, data=copy, weights=copy / "weights.safetensors")
    job = replace(job, model=there)
    killed(job, computed, monkeypatch)
    arrays = read_arrays(copy / "pool.safetensors")
    write_arrays(copy / "pool.safetensors", {**arrays, "images": 255 - arrays["images"]})
    computed.clear()
    made.done(replace(job))
    assert computed == items(what)


def test_a_part_is_every_so_many_th_item() -> None:
    found = [share("abcdefgh", f"{number}/3") for number in (1, 2, 3)]
    assert found == [list("adg"), list("beh"), list("cf")]
    assert share("abc", None) == ["a", "b", "c"]
    assert share("ab", "3/3") == []


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "a/b", "1/2/3", "-1/2"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(Refused, match="A part of a job is written as 3/8, the third of eight, not"):
        share("abc", part)


def test_the_rows_of_all_cells_hold_each_image_once(folder: Path, tmp_path: Path) -> None:
    """Two budgets x two step counts x 50 images, joined in the order of the splits."""
    attacked = {"attack": "pgd", "images": folder / "attacked/images.safetensors"}
    made.done(made.score_job(folder, tmp_path / "scores.parquet", **attacked))
    rows = read_rows(tmp_path / "scores.parquet")
    sizes = rows.groupby(["eps", "steps", "split"]).size()
    assert sizes.to_dict() == {
        (eps, steps, split): n
        for eps in (0.02, 0.05)
        for steps in (0, 2)
        for split, n in made.SPLITS.items()
    }
    with pytest.raises(BadFile):
        read_rows(tmp_path / "gone.parquet")
