"""Smoothed classifiers in the jobs of a study: the same seed gives the same bytes, a killed job
goes on, and attacks go through inference where their view says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made
from robustgen.core import shards
from robustgen.core.rows import read_rows
from robustgen.core.tensors import read_arrays
from robustgen.jobs import measure
from robustgen.nets.spec import Model

VARIATIONAL = {"eps": 0.05, "samples": 2}
RANDOMIZED = {"sigma": 0.1, "samples": 3, "select": 10, "votes": 40}
SMALL = {"validation": 5, "test": 15}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


def around(folder: Path, kind: str, options: dict[str, Any]) -> Model:
    parts = {"base": made.net(folder, "base")}
    told: dict[str, Any] = {"weights": None, "parts": parts, "draws": 2, "options": options}
    return made.net(folder, "around", kind=kind, **told)


def attacked(folder: Path, out: Path, **changes: Any) -> dict[str, bytes]:
    out.parent.mkdir(parents=True, exist_ok=True)
    model = around(folder, "variational", VARIATIONAL)
    sweep = made.PGD | {"sweep": {"eps": [0.05], "steps": [2]}}
    return made.done(
        made.attack_job(folder, out, model=model, sweep=sweep, splits=SMALL, **changes)
    )


def test_attack_and_scores_are_the_same_bytes_again(folder: Path, tmp_path: Path) -> None:
    """Also attacked with the unrolled gradient, which gives other images."""
    one, again, unrolled = (
        attacked(folder, tmp_path / name / "images.safetensors", view=view)
        for name, view in (("a", {}), ("b", {}), ("c", {"gradient": "unrolled"}))
    )
    assert one == again
    assert one != unrolled
    rows = []
    for name in ("first", "second"):
        out = tmp_path / name / "scores.parquet"
        out.parent.mkdir()
        images = tmp_path / "a/images.safetensors"
        model = around(folder, "variational", VARIATIONAL)
        told = {"model": model, "attack": "pgd", "images": images, "splits": SMALL}
        made.done(made.score_job(folder, out, **told))
        rows.append(out.read_bytes())
    assert rows[0] == rows[1]
    drawn = read_rows(out, draws=True)
    assert drawn.groupby(["split", "index"])["energy"].nunique().eq(2).all()
    assert read_rows(out)["success"].isin([0, 0.5, 1]).all()


def test_passes_of_the_attack_are_those_of_the_base_model(folder: Path, tmp_path: Path) -> None:
    """Two PGD steps, each through K = 4 classes of one step and two draws: 4 x 3 forwards; the
    backward passes are one of inference and one per draw.
    """
    attacked(folder, tmp_path / "images.safetensors")
    counts = read_arrays(tmp_path / "images.safetensors")["test.counts"]
    np.testing.assert_array_equal(counts[0], np.tile([2 * 4 * 3, 2 * 4 * 3], (15, 1)))


def test_certificates_go_on_where_they_were_killed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first of the shards of ten images each; the rows are those of a run in one go."""
    model = around(folder, "randomized", RANDOMIZED)
    told: dict[str, Any] = {"model": model, "options": {"alpha": 0.01}}
    whole, killed = tmp_path / "whole/rows.parquet", tmp_path / "killed/rows.parquet"
    for out in (whole, killed):
        out.parent.mkdir()
    files = made.done(made.measure_job(folder, whole, "certificate", **told))
    looked = measure.Measuring.columns
    calls: list[str] = []

    def dying(self: Any, attacked_: Any, item: str, chunk: np.ndarray) -> Any:
        calls.append(item)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return looked(self, attacked_, item, chunk)

    monkeypatch.setattr(measure.Measuring, "columns", dying)
    with pytest.raises(KeyboardInterrupt):
        made.done(made.measure_job(folder, killed, "certificate", **told))
    assert len(list(shards.shard_folder(killed).iterdir())) >= 2
    again = made.done(made.measure_job(folder, killed, "certificate", **told))
    assert again == files
    assert len(calls) == 3 + 3  # five shards in all, two of which were there
    rows = read_rows(whole)
    assert (rows["votes"] == RANDOMIZED["votes"]).all()
    assert (rows["radius"] >= 0).all()
