"""Killed and resumed work ends with the same bytes as uninterrupted work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from robustgen.run.warm import warm

NET = {"kind": "resnet", "options": {"width": 4}, "size": 32, "mean": [0.5], "std": [0.25]}
RECIPES = {
    "sgd": {
        "trainer": "supervised",
        "epochs": 3,
        "options": {"batch": 50, "lr": 0.05, "crop": 2},
        "objective": {},
    },
    "adam, adversarial": {
        "trainer": "supervised",
        "epochs": 2,
        "options": {"batch": 100, "optimizer": "adam", "lr": 0.001, "schedule": "cosine"},
        "objective": {
            "kind": "adversarial",
            "options": {"eps": 8 / 255, "steps": 1, "rel_step": 1.25},
        },
    },
}


SHARDS = [".images.shards", "costs.json"]


@pytest.fixture(scope="module", autouse=True)
def forks() -> Iterator[None]:
    """The commands of this file are forks of one warm process, as those of a run are: importing
    torch takes most of the time of each. A fork ends with its command.
    """
    with warm(ROOT / "scripts"):
        yield


def command(script: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, arguments)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signs")
    pool, splits = folder / "pool.safetensors", folder / "splits.safetensors"
    options = '{"train": 400, "test": 50}'
    subprocess.run(
        command(
            "load_data", "--kind", "signs", "--size", "32", "--options", options, "--out", pool
        ),
        check=True,
    )
    where = [
        "--dataset",
        "signs",
        "--pool",
        pool,
        "--validation",
        "100",
        "--seed",
        "0",
        "--out",
        splits,
    ]
    subprocess.run(command("split_data", *where), check=True)
    return folder


def model(data: Path, weights: Path | None = None) -> str:
    """The model as the plan writes it for a job."""
    files = {"data": str(data), "weights": str(weights) if weights else None}
    return json.dumps({"name": "m", **NET, **files, "draws": 1, "parts": {}})


def train(data: Path, recipe: dict[str, Any], out: Path) -> list[str]:
    settings = ["--model", model(data), "--recipe", json.dumps(recipe)]
    return command("train", *settings, "--threads", "1", "--device", "cpu", "--out", out)


def kill_when(process: subprocess.Popen[bytes], file: Path) -> None:
    """kill -9 as soon as `file` exists."""
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, "the job ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("name", RECIPES)
def test_training_killed_after_an_epoch_ends_with_the_same_bytes(
    data: Path, tmp_path: Path, name: str
) -> None:
    whole, killed = tmp_path / "whole/weights.safetensors", tmp_path / "killed/weights.safetensors"
    subprocess.run(train(data, RECIPES[name], whole), check=True, capture_output=True)
    checkpoint = killed.with_name(".checkpoint.safetensors")
    kill_when(
        subprocess.Popen(train(data, RECIPES[name], killed), stderr=subprocess.DEVNULL), checkpoint
    )
    assert not killed.exists()
    said = subprocess.run(
        train(data, RECIPES[name], killed), check=True, capture_output=True, text=True
    ).stderr
    assert "epoch 1/" not in said  # it went on instead of starting again
    assert killed.read_bytes() == whole.read_bytes()
    assert (
        killed.with_name("history.csv").read_bytes() == whole.with_name("history.csv").read_bytes()
    )
    assert not checkpoint.exists()


def test_a_checkpoint_of_other_settings_is_not_taken_up(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights.safetensors"
    kill_when(
        subprocess.Popen(train(data, RECIPES["sgd"], out), stderr=subprocess.DEVNULL),
        out.with_name(".checkpoint.safetensors"),
    )
    other = {**RECIPES["sgd"], "options": {"batch": 50, "lr": 0.01, "crop": 2}}
    said = subprocess.run(
        train(data, other, out), check=True, capture_output=True, text=True
    ).stderr
    assert "epoch 1/3" in said


def test_divergence_is_a_sentence_and_the_last_good_state_stays(data: Path, tmp_path: Path) -> None:
    from robustgen.core.tensors import read_meta

    out = tmp_path / "weights.safetensors"
    fall = {"batch": 50, "lr": 0.05, "schedule": "multistep", "milestones": [1], "gamma": 1e30}
    recipe = {**RECIPES["sgd"], "options": fall}
    found = subprocess.run(train(data, recipe, out), check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert "Training diverged in epoch 2" in found.stderr
    assert "Traceback" not in found.stderr
    progress = json.loads(read_meta(out.with_name(".checkpoint.safetensors"))["progress"])
    assert progress["epoch"] == 1
    assert not out.exists()


def test_an_attack_killed_after_a_shard_ends_with_the_same_bytes(
    data: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    subprocess.run(
        train(data, {**RECIPES["sgd"], "epochs": 1}, weights), check=True, capture_output=True
    )

    def attack(out: Path, *more: str) -> list[str]:
        swept = {"eps": [8 / 255], "steps": [0, 20]}
        sweep = {"kind": "pgd", "norm": "linf", "sweep": swept, "options": {"rel_step": 0.125}}
        settings = ["--model", model(data, weights), "--sweep", json.dumps(sweep)]
        settings += ["--splits", '{"validation": 100, "test": 50}', "--batch", "10"]
        settings += ["--threads", "1", "--device", "cpu", *more]
        files = ["--out", out, "--costs", out.with_name("costs.json")]
        return command("attack", *settings, *files)

    whole, killed = tmp_path / "whole/images.safetensors", tmp_path / "killed/images.safetensors"
    subprocess.run(attack(whole), check=True, capture_output=True)
    first = killed.parent / ".images.shards/validation-0.safetensors"
    kill_when(subprocess.Popen(attack(killed), stderr=subprocess.DEVNULL), first)
    assert not killed.exists()
    subprocess.run(attack(killed), check=True, capture_output=True)
    assert killed.read_bytes() == whole.read_bytes()
    assert not first.parent.exists()
    # a part leaves its shards and costs, which the job without a part gathers
    parts = tmp_path / "parts/images.safetensors"
    for part in ("1/2", "2/2"):
        subprocess.run(attack(parts, "--part", part), check=True, capture_output=True)
        assert sorted(path.name for path in parts.parent.iterdir()) == SHARDS
    said = subprocess.run(attack(parts), check=True, capture_output=True, text=True).stderr
    assert "attack: 15/15 in 0 s" in said
    assert parts.read_bytes() == whole.read_bytes()
