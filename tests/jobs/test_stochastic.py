"""A randomised classifier of two parts, as a user would add it in one module, goes through attack,
score, measure, table, kill and resume: same seed, same bytes; each draw a row, averaged when read.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import made
import make_table
from conftest import ROOT
from robustgen.core import shards
from robustgen.core.rows import DRAW, axes_of, read_rows
from robustgen.core.tensors import read_arrays
from robustgen.jobs import attack
from robustgen.nets.spec import Model
from robustgen.stats.intervals import share
from robustgen.study.config import ConfigError, checked
from stochastic import NOISY

DRAWS = 3
Own = Callable[[str], str]
SCORES = """
LOOKS_AT = ("scores",)
ON = "attack"
OPTIONS = {}

def measure(classifier, reference, *, options, generator):
    first = float(reference.first(5)["scores"].sum())

    def measured(seen, clean):
        best = seen["scores"].amax(dim=1).numpy()
        return {"best": best, "moved": (seen["scores"] - clean["scores"]).abs().amax(dim=1).numpy(),
                "first": 0 * best + first}
    return measured
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def noisy(own: Own, folder: Path) -> Model:
    """The model, whose base is the net of the folder."""
    base = made.net(folder, "base")
    parts = {"weights": None, "parts": {"base": base}, "draws": DRAWS}
    return made.net(folder, "noisy", kind=own(NOISY), options={"std": 0.3}, **parts)


@pytest.fixture
def chain(noisy: Model, folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Run attack and scores, clean and attacked, into a folder of that name; the folder."""

    def run(name: str, **changes: Any) -> Path:
        place = tmp_path / name
        images = place / "attacks/images.safetensors"
        made.done(attack_of(noisy, folder, images, **changes))
        for attack_name, path in (("clean", None), ("pgd", images)):
            told = {"model": noisy, "attack": attack_name, "images": path, **changes}
            made.done(made.score_job(folder, place / attack_name / "scores.parquet", **told))
        return place

    return run


def attack_of(noisy: Model, folder: Path, images: Path, **changes: Any) -> Any:
    images.parent.mkdir(parents=True, exist_ok=True)
    sweep = made.PGD | {"sweep": {"eps": [0.05], "steps": [0, 2], "eot": [1, 2]}}
    return made.attack_job(folder, images, model=noisy, sweep=sweep, **changes)


def contents(place: Path) -> dict[str, bytes]:
    files = (path for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    chain: Callable[..., Path],
) -> None:
    one, again, other = (
        contents(chain(n, seed=seed)) for n, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert one == again
    images = {f"attacks/{name}.safetensors" for name in ("images", "first")}
    assert set(one) == images | {f"{n}/scores.parquet" for n in TWO}
    assert [name for name in one if one[name] == other[name]] == []


TWO = ("clean", "pgd")


def test_draws_are_rows_and_are_averaged_when_read(chain: Callable[..., Path]) -> None:
    """Each image has a row per draw, whose scores differ; what tables read are their means."""
    path = chain("a") / "pgd/scores.parquet"
    drawn, found = read_rows(path, draws=True), read_rows(path)
    assert axes_of(drawn) == ["eps", "steps", "eot"]
    cell = [*axes_of(drawn), "split", "index"]
    groups = drawn.groupby(cell, sort=False)
    assert (groups[DRAW].apply(list).map(tuple) == tuple(range(DRAWS))).all()
    assert (groups["energy"].nunique() == DRAWS).all()
    assert len(found) * DRAWS == len(drawn) == 2 * 2 * 50 * DRAWS
    by_hand = groups[["energy", "success", "z_0"]].mean().reset_index()
    both = found.merge(by_hand, on=cell, suffixes=("", "_hand"))
    for name in ("energy", "success", "z_0"):
        np.testing.assert_allclose(both[name].astype(float), both[f"{name}_hand"].astype(float))
    assert set(found["success"].round(3)) == {
        0,
        0.333,
        0.667,
        1,
    }  # of some images the draws disagree


def test_draws_are_the_same_in_every_cell_so_that_cells_are_compared_in_pairs(
    chain: Callable[..., Path], noisy: Model, folder: Path, tmp_path: Path
) -> None:
    """An attack of no steps and no random start leaves the images as they are: its scores are
    those of the clean images, draw by draw.
    """
    still = made.PGD | {"sweep": {"eps": [0.05], "steps": [0]}}
    still["options"] = {"rel_step": 0.25, "random_start": False}
    images = tmp_path / "still/images.safetensors"
    images.parent.mkdir()
    made.done(made.attack_job(folder, images, model=noisy, sweep=still))
    told = {"model": noisy, "attack": "pgd", "images": images}
    made.done(made.score_job(folder, tmp_path / "still/scores.parquet", **told))
    clean = read_rows(chain("a") / "clean/scores.parquet", draws=True)
    found = read_rows(tmp_path / "still/scores.parquet", draws=True)
    keys = ["split", "index", DRAW]
    both = clean.merge(found, on=keys)
    assert len(both) == len(clean) == len(found)
    np.testing.assert_array_equal(both["energy_x"], both["energy_y"])


def test_a_table_shows_the_means_over_draws(chain: Callable[..., Path], tmp_path: Path) -> None:
    """Accuracy is 1 - mean success over images and draws, of the 30 test images."""
    place, out = chain("a"), tmp_path / "table.csv"
    facts = {**made.MODELS["made_standard"], "parts": {"base": "base"}}
    spec = {**made.SPEC, "models": {"noisy": facts}}
    files = {"scores": [str(place / f"{name}/scores.parquet") for name in TWO]}
    flags = {"--kind": "energies", "--spec": json.dumps(spec), "--files": json.dumps(files)}
    flags |= {"--paper": str(ROOT / "config/paper.csv"), "--out": str(out)}
    make_table.main([word for pair in flags.items() for word in pair])
    table = pd.read_csv(out).query("attack == 'pgd' and steps == 2").set_index("eot")
    drawn = read_rows(files["scores"], draws=True)
    drawn = drawn[(drawn["split"] == "test") & (drawn["steps"] == 2)]
    for eot, part in drawn.groupby("eot"):
        row, right = table.loc[eot], 1 - part["success"].mean()
        assert row["n"] == 30
        assert row["accuracy"] == pytest.approx(right)
        assert row["accuracy_low"] == pytest.approx(share(30 * right, 30).low)
        assert row["energy"] == pytest.approx(part["energy"].mean())


def test_killed_and_resumed_it_ends_with_the_same_bytes(
    chain: Callable[..., Path],
    noisy: Model,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = contents(chain("whole"))
    images = tmp_path / "killed/attacks/images.safetensors"
    attacking = attack_of(noisy, folder, images)
    stopped(attacking, monkeypatch, after=4)
    made.done(replace(attacking))
    told = {"model": noisy, "attack": "pgd", "images": images}
    (tmp_path / "killed/pgd").mkdir()
    scoring = made.score_job(folder, tmp_path / "killed/pgd/scores.parquet", **told)
    stopped(scoring, monkeypatch, after=4)
    made.done(replace(scoring))
    found = contents(tmp_path / "killed")
    assert {name: whole[name] for name in found} == found
    assert len(found) == 3


def stopped(job: Any, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Run a job that is stopped when it has computed so many shards."""
    before = shards.write_arrays
    done = list[Path]()

    def stopping(path: Path, *given: Any) -> None:
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(path)
        before(path, *given)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_arrays", stopping)
        with pytest.raises(KeyboardInterrupt):
            made.done(job)
    assert not job.out.exists()


@pytest.mark.parametrize("change", [{"options": {"std": 0.1}}, {"draws": 2}])
def test_shards_of_other_options_or_draws_are_not_taken_up(
    noisy: Model,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
) -> None:
    """A model without weights is its options alone: no file of it changes with them."""
    places = [tmp_path / name / "scores.parquet" for name in ("whole", "killed")]
    for place in places:
        place.parent.mkdir()
    other = replace(noisy, **change)
    whole = made.done(made.score_job(folder, places[0], model=other))
    stopped(made.score_job(folder, places[1], model=noisy), monkeypatch, after=4)
    assert made.done(made.score_job(folder, places[1], model=other)) == whole


def test_a_measure_draws_from_the_seed_whole_and_in_parts(
    own: Own, chain: Callable[..., Path], noisy: Model, folder: Path, tmp_path: Path
) -> None:
    images = chain("a") / "attacks/images.safetensors"

    def job(name: str, **changes: Any) -> Any:
        (tmp_path / name).mkdir()
        told = {"model": noisy, "attack": "pgd", "images": images, "measure": "best", **changes}
        return made.measure_job(folder, tmp_path / name / "rows.parquet", kind, **told)

    kind = own(SCORES)
    one, again, parts = job("one"), job("again"), job("parts")
    for number in (2, 1):
        made.done(replace(parts, part=f"{number}/2"))
    found = made.done(one)
    assert found == made.done(again) == made.done(replace(parts))
    assert made.done(job("other", seed=1)) != found
    rows = read_rows(one.out)
    assert axes_of(rows) == ["eps", "steps", "eot"]
    assert rows["first"].nunique() == 1
    assert rows["best"].nunique() > 50  # not one number for all


def test_what_it_does_not_show_is_refused_before_any_job(own: Own) -> None:
    """LID looks at layers, which the module names nowhere; the same study without it is fine."""
    study = {
        "study": "small",
        "outputs": ["shown"],
        "datasets": {"digits": {"kind": "digits", "evaluate": {"test": 100}}},
        "recipes": {"short": {"trainer": "supervised"}},
        "models": {
            "base": {"kind": "resnet", "dataset": "digits", "recipe": "short"},
            "noisy": {"kind": own(NOISY), "dataset": "digits", "parts": {"base": "base"}},
        },
        "attacks": {"pgd": {"kind": "pgd"}, "noise": {"kind": "noise"}},
        "detectors": {
            "lid": {"kind": "lid", "options": {"fit": "pgd", "noise": "noise"}},
            "energy": {"kind": "energy"},
        },
        "tables": {
            "shown": {
                "kind": "matrix",
                "models": ["noisy"],
                "attacks": ["pgd"],
                "detectors": ["energy"],
            }
        },
    }
    checked(study)
    wrong = copy.deepcopy(study)
    wrong["tables"]["shown"]["detectors"] = ["lid"]  # type: ignore[index]
    with pytest.raises(ConfigError, match=r"models\.noisy\.kind: lab\d+\.mine shows no layers"):
        checked(wrong)


def test_its_settings_of_inference_are_a_view_of_the_attack(
    noisy: Model, folder: Path, tmp_path: Path
) -> None:
    """With std 0 under attack it answers as its base does, so the images are those of the base."""
    jobs = {}
    for name, told in (
        ("view", {"model": noisy, "view": {"std": 0.0}}),
        ("base", {"model": noisy.parts["base"]}),
        ("drawn", {"model": noisy}),
    ):
        jobs[name] = made.attack_job(folder, tmp_path / f"{name}.safetensors", **told)
        attack.run(jobs[name])
    view, base, drawn = (read_arrays(jobs[name].out) for name in jobs)
    for cell in ("test.1", "test.3"):
        np.testing.assert_array_equal(view[cell], base[cell])
        assert (view[cell] != drawn[cell]).any()
