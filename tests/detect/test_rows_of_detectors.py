"""Measures beside the scores of the same images, and the command that reads both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import detect as command
from made import made, measured, net, random
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, read_rows, with_axes, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.detect.rows import read
from robustgen.jobs.score import ScoreJob
from robustgen.jobs.score import run as score

N = 60
AXES = {"clean": {}, "pgd": {"eps": 0.1, "steps": 5}, "noise": {"eps": 0.1}}


def identity(attack: str, split: str) -> pd.DataFrame:
    axes = {"dataset": "signs", "model": "net", "seed": 0, "attack": attack, **AXES[attack]}
    return pd.DataFrame({"index": range(N)}).assign(**axes, split=split)


def scores(attack: str) -> pd.DataFrame:
    rng = np.random.default_rng(len(attack))
    frames = [
        identity(attack, split).assign(
            label=0, success=attack == "pgd", energy=rng.normal(size=N), z_0=rng.normal(size=N)
        )
        for split in ("validation", "test")
    ]
    return with_axes(pd.concat(frames, ignore_index=True), AXES[attack])


def lids(attack: str) -> pd.DataFrame:
    """Planted: the statistic of attacked images lies 5 above that of the others."""
    rng = np.random.default_rng(9)
    shift = 5 * (attack == "pgd")
    frames = [
        identity(attack, split).assign(
            lid_0=rng.normal(size=N) + shift, lid_twin_0=rng.normal(size=N) + shift
        )
        for split in ("validation", "test")
    ]
    return with_axes(pd.concat(frames, ignore_index=True), AXES[attack])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"scores": {}, "lid": {}}
    for attack in AXES:
        for sort, rows in (("scores", scores(attack)), ("lid", lids(attack))):
            path = tmp_path / f"{attack}-{sort}.parquet"
            write_rows(path, rows, unit="image")
            found[sort][attack] = str(path)
    return found


def test_a_measure_stands_beside_the_scores_under_the_detectors_name(
    files: dict[str, dict[str, str]],
) -> None:
    found = read(files["scores"]["pgd"], {"lid": files["lid"]["pgd"], "other": files["lid"]["pgd"]})
    plain = read_rows(files["scores"]["pgd"])
    measured = read_rows(files["lid"]["pgd"])
    new = ["lid.lid_0", "lid.lid_twin_0", "other.lid_0", "other.lid_twin_0"]
    assert list(found) == [*plain, *new]
    assert axes_of(found) == ["eps", "steps"]
    pd.testing.assert_frame_equal(found[list(plain)], plain)
    assert found["lid.lid_0"].tolist() == measured["lid_0"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.iloc[::-1],
        lambda rows: rows.iloc[1:],
        lambda rows: rows.assign(model="other"),
        lambda rows: rows.assign(eps=0.2),
        lambda rows: rows.assign(split=rows["split"].to_numpy()[::-1]),
        lambda rows: with_axes(rows.drop(columns="steps"), ["eps"]),
    ],
    ids=["order", "number", "model", "budget", "split", "axes"],
)
def test_a_measure_of_other_images_is_refused(
    change: Any, files: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    changed = change(lids("pgd"))
    write_rows(tmp_path / "changed.parquet", changed, unit="image", axes=axes_of(changed))
    words = r"changed.parquet is not measured on the images that were scored"
    with pytest.raises(Refused, match=words):
        read(files["scores"]["pgd"], {"lid": tmp_path / "changed.parquet"})


def test_the_command_reads_scores_and_measures_and_names_the_axes(
    files: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    learns = {"fit": "pgd", "noise": "noise"}
    entries = {
        "energy": {"kind": "energy", "fpr": 0.05, "options": {"temperatures": [1.0, 2.0]}},
        "lid": {"kind": "lid", "fpr": 0.05, "options": learns},
    }
    others = {name: files["scores"][name] for name in ("pgd", "noise")}
    command.main(
        [
            *("--detectors", json.dumps(entries), "--attack", "pgd"),
            *("--clean", files["scores"]["clean"], "--attacked", files["scores"]["pgd"]),
            *("--others", json.dumps(others), "--measured", json.dumps({"lid": files["lid"]})),
            *("--statistics", str(tmp_path / "s.parquet")),
            *("--thresholds", str(tmp_path / "t.parquet")),
        ]
    )
    statistics, thresholds = (read_rows(tmp_path / f"{name}.parquet") for name in "st")
    assert axes_of(statistics) == axes_of(thresholds) == ["eps", "steps"]
    assert set(thresholds["why"]) == {""}
    lid = statistics[statistics["variant"] == "fitted on pgd"]
    threshold = thresholds.query("detector == 'lid' and protocol == 'sound'")["threshold"].item()
    flagged = (lid["statistic"] >= threshold).groupby(lid["attack"]).mean()
    assert flagged["pgd"] > 0.95
    assert flagged["clean"] < 0.2


def test_jobs_of_scores_and_of_measures_give_rows_that_stand_beside_each_other(
    tmp_path: Path,
) -> None:
    folder, images = made(tmp_path), tmp_path / "images.safetensors"
    cells = [{"eps": 0.1, "steps": 2}, {"eps": 0.1, "steps": 5}]
    arrays = {f"test.{cell}": random(30, 3, 32, 32, seed=cell).numpy() for cell in (0, 1)}
    meta = {"cells": json.dumps(cells), "axes": json.dumps(["eps", "steps"])}
    meta["warnings"] = json.dumps({name: [None] * len(cells) for name in ("validation", "test")})
    write_arrays(images, arrays | {"test.counts": np.ones((2, 30, 2))}, meta)
    for attack, path in (("clean", None), ("pgd", images)):
        place = {"images": path, "out": tmp_path / f"{attack}.parquet"}
        sizes = {"splits": {"test": 30}, "study_seed": 0, "seed": 0, "threads": 1, "batch": 7}
        rest = {"model": net(folder), "device": "cpu", "code": "", "part": None}
        job = ScoreJob(dataset="made", attack=attack, **place, **sizes, **rest)
        write_rows(job.out, score(job), unit="image")
        lid = measured(folder, "lid", {"k": 5, "batch": 20}, attack=attack, images=path)[0]
        found = read(job.out, {"lid": lid})
        assert {f"lid.lid_{end}{layer}" for end in ("", "twin_") for layer in range(5)} < set(found)
        assert len(found) == 30 * (1 if path is None else 2)


def test_the_job_loads_every_detector_without_torch_and_scikit_learn() -> None:
    text = (
        "import sys; from robustgen.core import kinds; from robustgen.jobs import detect; "
        "found = [kinds.load('detectors', kind) for kind in kinds.kinds('detectors')]; "
        "print(bool(found), sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    scripts = str(Path(command.__file__).parent)
    call = [sys.executable, "-c", text]
    environment = {**os.environ, "PYTHONPATH": scripts}
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split(maxsplit=1) == ["True", "[]\n"]
