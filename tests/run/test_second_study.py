"""A second study, of another name and in another checkout, trains nothing that a first one has
trained, and its files are current.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Copy
from robustgen.core.cache import TAKEN, VARIABLE
from robustgen.run.warm import warm

FILES = ("weights.safetensors", "history.csv")


def train(copy: Copy, study: str) -> tuple[Path, str]:
    """Have Snakemake make the study's net; its folder, and the log of its training."""
    place = f"results/{study}/training/signs_standard/seed0"
    with warm(copy.folder / "scripts"):
        copy.snakemake(f"{place}/{FILES[0]}")
    log = copy.folder / f"results/{study}/logs/train/signs_standard/seed0.log"
    return copy.folder / place, log.read_text()


def test_a_second_study_trains_nothing_and_is_current(
    make_copy: Callable[[], Copy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    first, second = make_copy(), make_copy()
    one, said = train(first, "tiny")
    assert "epoch 2/2" in said
    second.edit("tests/tiny.yaml", "study: tiny", "study: other")
    other, said = train(second, "other")
    assert "epoch" not in said
    assert "Taken from the cache" in said
    assert [(other / name).read_bytes() for name in FILES] == [
        (one / name).read_bytes() for name in FILES
    ]
    told = [json.loads((place / "costs.json").read_text()) for place in (one, other)]
    assert [TAKEN in facts for facts in told] == [False, True]
    assert told[0]["best_epoch"] == told[1]["best_epoch"]
    place = f"results/other/training/signs_standard/seed0/{FILES[0]}"
    said = second.snakemake("--dry-run", place)
    assert "Nothing to be done" in said.stdout + said.stderr
    # another recipe trains, in the same study
    second.edit("tests/tiny.yaml", "lr: 0.05", "lr: 0.06")
    _, said = train(second, "other")
    assert "epoch 2/2" in said
