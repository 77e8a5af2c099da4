"""What an attack's entry says reaches the rows: its own axes, how many images, on which model they
are made; for kinds with and without budgets and steps.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import made
from robustgen.attacks import corruption
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, joined, read_rows, write_rows
from robustgen.core.tensors import read_arrays, read_meta, write_arrays
from robustgen.data.store import read_split
from robustgen.jobs import attack
from robustgen.nets import weights

IDENTITY = ["dataset", "model", "seed", "attack"]
SHORT = made.PGD | {"sweep": {"eps": [0.02], "steps": [1]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


def rows_of(folder: Path, place: Path, sweep: dict[str, Any], **changes: Any) -> pd.DataFrame:
    """The score rows of images of an attack."""
    place.mkdir(exist_ok=True)
    images, out = place / "images.safetensors", place / "scores.parquet"
    scored = changes.pop("scored", made.net(folder))
    made.done(made.attack_job(folder, images, sweep=sweep, **changes))
    told = {"attack": "mine", "images": images, "model": scored}
    told |= {"splits": changes.get("splits", made.SPLITS)}
    made.done(made.score_job(folder, out, **told))
    return read_rows(out)


def test_each_swept_option_is_a_column_behind_the_identity(folder: Path, tmp_path: Path) -> None:
    """2 budgets x 2 restarts x 2 lambdas x 3 step counts, steps varying fastest in the file."""
    swept = {"eps": [0.02, 0.05], "steps": [0, 1, 2], "restarts": [1, 2], "lambda_": [0.0, 1.2]}
    rows = rows_of(folder, tmp_path, made.PGD | {"sweep": swept})
    axes = ["eps", "steps", "restarts", "lambda_"]
    assert axes_of(rows) == axes
    assert rows.columns[:9].tolist() == [*IDENTITY, *axes, "split"]
    cells = rows[axes].drop_duplicates()
    assert len(cells) == 2 * 3 * 2 * 2
    assert len(rows) == len(cells) * 50
    assert rows["steps"].drop_duplicates().tolist() == [0, 1, 2]
    assert (rows["linf"] <= rows["eps"] * (1 + 1e-4) + 1e-6).all()
    # one trajectory costs each cell what it would have cost alone
    passes = rows.groupby(["steps", "restarts"])["backwards"].unique().map(list).to_dict()
    assert {key: value for key, value in passes.items() if key[0]} == {
        (steps, restarts): [steps * restarts] for steps in (1, 2) for restarts in (1, 2)
    }


def test_a_corruption_has_its_own_axes_and_neither_budget_nor_steps(
    folder: Path, tmp_path: Path
) -> None:
    swept = {"corruption": ["blur", "contrast"], "severity": [1, 5]}
    sweep = {"kind": "corruption", "norm": "linf", "sweep": swept, "options": {}}
    rows = rows_of(folder, tmp_path, sweep)
    assert axes_of(rows) == ["corruption", "severity"]
    assert not {"eps", "steps"} & set(rows)
    cells = rows.groupby(["corruption", "severity"], sort=False).size()
    assert cells.to_dict() == {(c, s): 50 for c in swept["corruption"] for s in swept["severity"]}
    x = read_split(folder, "test").tensors()[0]
    by_hand = (corruption.contrast(x, 0.15) - x).flatten(1).abs().amax(dim=1)
    last = rows.query("corruption == 'contrast' and severity == 5 and split == 'test'")
    np.testing.assert_allclose(last["linf"], by_hand, atol=1e-6)
    assert (rows["forwards"] == 0).all()  # no pass is made


def test_images_of_another_data_set_are_each_shown_once_whatever_the_batch(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    pool = read_arrays(other / "pool.safetensors")
    # each image is of one grey level, its own number
    levels = np.arange(80, dtype=np.uint8)[:, None, None, None]
    write_arrays(other / "pool.safetensors", {**pool, "images": levels + 0 * pool["images"]})
    sweep = {"kind": "other_images", "sweep": {}, "options": {"dataset": str(other)}}
    rows = rows_of(folder, tmp_path / "five", sweep)
    assert axes_of(rows) == []
    assert len(rows) == 50
    shown = read_arrays(tmp_path / "five/images.safetensors")
    for split, members in (("test", range(30)), ("validation", range(60, 80))):
        level = (shown[f"{split}.0"].reshape(-1, 3 * 32 * 32) * 255).round()
        assert (level == level[:, :1]).all()
        assert sorted(level[:, 0].astype(int)) == list(members)
    other_batch = rows_of(folder, tmp_path / "seven", sweep, batch=7)
    again = read_arrays(tmp_path / "seven/images.safetensors")
    np.testing.assert_array_equal(shown["test.0"], again["test.0"])
    assert len(other_batch) == 50


def test_shards_of_other_images_of_that_data_set_are_not_taken_up(
    folder: Path, tmp_path: Path
) -> None:
    """The data set that an option names is part of the key."""
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    sweep = {"kind": "other_images", "sweep": {}, "options": {"dataset": str(other)}}
    job = made.attack_job(folder, tmp_path / "images.safetensors", sweep=sweep)
    before = attack._key(job)
    pool = read_arrays(other / "pool.safetensors")
    write_arrays(other / "pool.safetensors", {**pool, "images": 255 - pool["images"]})
    assert attack._key(job) != before


def test_the_first_test_images_of_the_largest_cell_are_kept_for_the_report(
    folder: Path, tmp_path: Path
) -> None:
    """Budgets 0.02 and 0.05 and steps 0 and 2 make four cells; the last is the largest."""
    made.done(made.attack_job(folder, tmp_path / "images.safetensors"))
    first, all_ = (read_arrays(tmp_path / f"{name}.safetensors") for name in ("first", "images"))
    few = all_["test.3"][: attack.SHOWN]
    assert first["images"].dtype == np.uint8
    np.testing.assert_array_equal(first["images"], (few * 255).round())
    cell = json.loads(read_meta(tmp_path / "first.safetensors")["cell"])
    assert cell == {"eps": 0.05, "steps": 2}


def test_the_first_so_many_images_are_those_of_the_whole_split(
    folder: Path, tmp_path: Path
) -> None:
    """`images: 10`: the first ten of the seeded order, attacked as they are among all."""
    some = rows_of(folder, tmp_path / "some", SHORT, splits={"validation": 10, "test": 10}, batch=5)
    whole = rows_of(folder, tmp_path / "whole", SHORT, batch=5)
    for split in made.SPLITS:
        mine = some[some["split"] == split]
        first = whole[whole["split"] == split].head(10)
        assert mine["index"].tolist() == read_split(folder, split, 10).index.tolist()
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), first.reset_index(drop=True))


def test_more_images_than_a_split_has_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="split test has 30 images, 31 were asked for; lower"):
        rows_of(folder, tmp_path, SHORT, splits={"test": 31})


def test_images_made_on_one_model_are_scored_by_another(folder: Path, tmp_path: Path) -> None:
    """Rows name the model that scores, and hold its scores of the very images made on the other;
    passes are those that making them took.
    """
    torch.manual_seed(1)
    weights.save(tmp_path / "b.safetensors", weights.untrained(made.NET).eval(), made.NET)
    b = made.net(folder, "b", weights=tmp_path / "b.safetensors")
    rows = rows_of(folder, tmp_path / "moved", SHORT, scored=b)
    own = rows_of(folder, tmp_path / "own", SHORT)
    images = [tmp_path / f"{name}/images.safetensors" for name in ("moved", "own")]
    assert images[0].read_bytes() == images[1].read_bytes()
    assert set(rows["model"]) == {"b"}
    net = weights.load(tmp_path / "b.safetensors", made.NET)
    with torch.no_grad():
        z = net(torch.from_numpy(read_arrays(images[0])["test.0"]))
    test = rows[rows["split"] == "test"]
    np.testing.assert_allclose(test["energy"], -z.logsumexp(dim=1), atol=1e-5)
    assert test["prediction"].tolist() == z.argmax(dim=1).tolist()
    for name in ("backwards", "linf", "l2", "index", "label"):
        assert rows[name].tolist() == own[name].tolist(), name


def test_an_attack_that_seeks_the_nearest_image_is_fp32_whatever_is_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    nearest = {"kind": "foolbox", "norm": "l2", "options": {"name": "DDN"}}
    nearest["sweep"] = {"eps": [inf], "steps": [2]}
    job = made.attack_job(folder, tmp_path / "a.safetensors", sweep=nearest, precision="bf16")
    assert job.dtype == torch.float32
    assert replace(job, sweep=SHORT).dtype == torch.bfloat16


def test_images_say_their_cells_and_axes(folder: Path, tmp_path: Path) -> None:
    rows_of(folder, tmp_path, made.PGD | {"sweep": {"steps": [0, 2], "eps": [0.02]}})
    meta = read_meta(tmp_path / "images.safetensors")
    assert meta["axes"] == '["eps", "steps"]'
    assert meta["cells"] == '[{"eps": 0.02, "steps": 0}, {"eps": 0.02, "steps": 2}]'


def test_rows_of_attacks_with_other_axes_are_read_together(folder: Path, tmp_path: Path) -> None:
    """Clean rows and those of three kinds: every axis that one lacks is 0 there, or an empty
    text.
    """
    blur = {"kind": "corruption", "norm": "linf", "options": {"severity": 2}}
    blur["sweep"] = {"corruption": ["blur"]}
    frames = [
        rows_of(folder, tmp_path / "pgd", SHORT),
        rows_of(folder, tmp_path / "blur", blur),
    ]
    made.done(made.score_job(folder, tmp_path / "clean.parquet"))
    found = joined([read_rows(tmp_path / "clean.parquet"), *frames])
    assert axes_of(found) == ["eps", "steps", "corruption"]
    values = found[["attack", "eps", "steps", "corruption"]].drop_duplicates().to_numpy().tolist()
    assert values == [["clean", 0, 0, ""], ["mine", 0.02, 1, ""], ["mine", 0, 0, "blur"]]
    write_rows(tmp_path / "all.parquet", found, unit="image")  # each image once in its cell


@pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning")
def test_what_an_attack_warns_of_is_a_column(folder: Path, tmp_path: Path) -> None:
    """AutoAttack warns, or says that it finds nothing to warn of; PGD never does."""
    members = {"version": "custom", "attacks": ["apgd-ce"]}
    auto = {"kind": "autoattack", "norm": "linf", "options": members}
    rows = rows_of(folder, tmp_path, auto | {"sweep": {"eps": [0.02], "steps": [3]}})
    assert rows["warning"].map(type).eq(str).all()
    assert "warning" not in rows_of(folder, tmp_path / "pgd", SHORT)
