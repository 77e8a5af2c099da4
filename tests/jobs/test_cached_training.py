"""Nets found again: what an equal training has kept is taken, whatever the study is called, and
whatever decides the bytes of a net trains anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import made
from robustgen.core import cache
from robustgen.core.files import read_json, write_json
from robustgen.core.tensors import read_arrays, write_arrays
from robustgen.jobs import train
from robustgen.jobs.train import TrainJob, run
from robustgen.nets import device, weights

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = {"trainer": "supervised", "epochs": 2, "options": {"batch": 10, "lr": 0.01}}
FILES = ("weights.safetensors", "history.csv")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def job(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainJob:
    """A job of a study that has a cache."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    told = {name: value for name, value in made.ALIKE.items() if name not in ("batch", "part")}
    told |= {"recipe": RECIPE, "weights": None, "keys": {}, "precision": "fp32", "code": "c"}
    model = made.net(data, name="m", weights=None)
    return TrainJob(model=model, out=tmp_path / "one/weights.safetensors", **told)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One line per run of the training loop."""
    lines: list[str] = []

    def counted(*given: Any) -> Any:
        lines.append("trained")
        return loop(*given)

    loop = train.train
    monkeypatch.setattr(train, "train", counted)
    return lines


def written(job: TrainJob) -> list[bytes]:
    return [job.out.with_name(name).read_bytes() for name in FILES]


def elsewhere(job: TrainJob, data: Path, tmp_path: Path) -> TrainJob:
    """The same job of another study: a copy of its data, and another place for what it makes."""
    copied = shutil.copytree(data, tmp_path / "other/data/made", dirs_exist_ok=True)
    model = replace(job.model, data=copied)
    return replace(job, model=model, out=tmp_path / "other/training/weights.safetensors")


def test_another_study_trains_nothing_and_has_the_same_bytes_and_facts(
    job: TrainJob,
    data: Path,
    tmp_path: Path,
    trained: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, other = run(job), elsewhere(job, data, tmp_path)
    left = other.out.with_name(".checkpoint.safetensors")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of a killed run, before there was a cache")
    capsys.readouterr()
    facts = run(other)
    assert trained == ["trained"]
    assert written(other) == written(job)
    taken = facts.pop(cache.TAKEN)
    assert facts == first
    assert capsys.readouterr().err == (
        f"Taken from the cache {tmp_path / 'cache'}: made {taken['at']}; "
        f"commit: {taken['commit']}.\n"
    )
    assert not left.exists()


Change = Callable[[TrainJob], TrainJob]
CHANGES: dict[str, Change] = {
    "recipe": lambda job: replace(job, recipe={**RECIPE, "epochs": 1}),
    "seed": lambda job: replace(job, seed=1),
    "study's seed": lambda job: replace(job, study_seed=1),
    "code or lock": lambda job: replace(job, code="d"),
    "threads": lambda job: replace(job, threads=2),
    "precision": lambda job: replace(job, precision="bf16"),
    "name": lambda job: replace(job, model=replace(job.model, name="n")),
    "options": lambda job: replace(job, model=replace(job.model, options={"width": 8})),
    "data": lambda job: replace(job, model=replace(job.model, data=fewer(job.model.data))),
    "classes": lambda job: replace(job, model=replace(job.model, data=more(job.model.data))),
}


def fewer(data: Path) -> Path:
    """A copy of the data with one image less to train on."""
    copied = shutil.copytree(data, data.parent / "fewer", dirs_exist_ok=True)
    splits = read_arrays(data / "splits.safetensors")
    write_arrays(copied / "splits.safetensors", {**splits, "train": splits["train"][1:]})
    return copied


def more(data: Path) -> Path:
    """A copy of the data with one class more, of which there are no images."""
    copied = shutil.copytree(data, data.parent / "more", dirs_exist_ok=True)
    facts = read_json(data / "pool.json")
    write_json(copied / "pool.json", {**facts, "names": [*facts["names"], "elk"]})
    return copied


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_decides_the_bytes_trains_anew(
    job: TrainJob, trained: list[str], tmp_path: Path, name: str
) -> None:
    run(job)
    other = replace(CHANGES[name](job), out=tmp_path / "other/weights.safetensors")
    assert cache.TAKEN not in run(other)
    assert cache.TAKEN in run(replace(job, out=tmp_path / "again/weights.safetensors"))
    assert trained == ["trained"] * 2


def test_parts_count_by_their_weights_and_not_by_their_place(
    job: TrainJob, data: Path, trained: list[str], tmp_path: Path
) -> None:
    """Training starts from the net of the data's folder, then from a copy, then from another."""
    starts = [made.net(data, "start")]
    for name, change in (("copy", 0.0), ("changed", 1.0)):
        net = weights.load(data / "weights.safetensors", made.NET)
        net[1].linear.bias.data += change
        weights.save(path := tmp_path / f"{name}.safetensors", net, made.NET)
        starts.append(made.net(data, "start", weights=path))
    found = []
    for number, start in enumerate(starts):
        model = replace(job.model, parts={"start": start})
        facts = run(replace(job, model=model, out=tmp_path / f"{number}/weights.safetensors"))
        found.append(cache.TAKEN in facts)
    assert found == [False, True, False]
    assert len(trained) == 2


def test_a_net_of_another_kind_of_device_is_not_taken(
    job: TrainJob, trained: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(job)
    monkeypatch.setattr(device, "described", lambda _: "another processor")
    run(replace(job, out=tmp_path / "other/weights.safetensors"))
    assert trained == ["trained"] * 2


def test_a_job_that_is_not_told_its_code_keeps_and_takes_nothing(
    job: TrainJob, trained: list[str], tmp_path: Path
) -> None:
    for _ in range(2):
        run(replace(job, code=""))
    assert trained == ["trained"] * 2
    assert not (tmp_path / "cache").exists()


def test_a_damaged_net_is_trained_again_with_the_same_bytes(
    job: TrainJob, trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job)
    before = written(job)
    for path in (tmp_path / "cache/files").iterdir():
        path.write_bytes(path.read_bytes()[::-1])
    run(job)
    assert "is of no use" in capsys.readouterr().err
    assert written(job) == before
    assert cache.TAKEN in run(job)
    assert trained == ["trained"] * 2
