"""Landscapes: paths that are the attack's own, and planes by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from made import ATTACKS, PGD, classifier, linear, made, measured, random
from robustgen.attacks import pgd
from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run as attack_cells
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, read_rows
from robustgen.core.seeds import seed_of
from robustgen.data.store import Images, read_split
from robustgen.measures.energy import energy, joint_energy
from robustgen.measures.types import Context, Measured
from robustgen.synthesis import plane as plane_measure
from robustgen.synthesis.paths import walk, walked
from robustgen.synthesis.plane import plane as plane_of
from robustgen.synthesis.plane import points
from robustgen.synthesis.trajectories import CLEAN

BOTH = ["pgd", "he_pgd"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("landscape"))


@pytest.fixture(scope="module")
def paths(folder: Path) -> pd.DataFrame:
    return read_rows(measured(folder, "trajectories", {"attacks": BOTH, "images": 14})[0])


@pytest.fixture(scope="module")
def planes(folder: Path) -> pd.DataFrame:
    options = {"attacks": BOTH, "images": 14, "planes": 2, "side": 9}
    return read_rows(measured(folder, "plane", options)[0])


def context(**changes: Any) -> Context:
    return Context(
        **{"seed": partial(seed_of, 0, seed=0), "attacks": ATTACKS, "batch": 5, "device": "cpu"}
        | changes
    )


# --- paths
# -----------------------------------------------------------------------------------------------


def test_a_path_is_the_attacks_own_from_the_seeds_of_its_own_job(folder: Path) -> None:
    """Every point equals the cell of that step count which an attack's job makes."""
    model, part = classifier(folder), read_split(folder, "test", 14)
    of = walk("he_pgd", ATTACKS["he_pgd"])
    found = walked(model, part, of, at=range(of.spec.steps + 1), context=context())
    assert list(found) == [0, 1, 2, 3, 4, 5]
    sweep = PGD | {"sweep": {"eps": [0.1], "steps": [0, 2, 5], "lambda_": [1.2]}}
    for start in (0, 5, 10):
        x, y = (tensor[start : start + 5] for tensor in part.tensors())
        seed = seed_of(0, seed=0, split="test", start=start, use="attack")
        cells = attack_cells(model, x, y, sweep=Sweep.of(sweep), seed=seed)
        for step, attacked in zip((0, 2, 5), cells, strict=True):
            assert torch.equal(found[step][start : start + 5], attacked.images)


def test_a_path_ends_where_pgd_does_and_starts_at_the_image_where_it_is_told_so() -> None:
    net = linear(random(4, 12) - 0.5, torch.zeros(4))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 3, 2, 2), dtype=np.uint8)
    part = Images(images, np.arange(5) % 4, np.arange(5), ("a", "b", "c", "d"))
    entry = PGD | {"sweep": {"eps": [0.1], "steps": [4]}, "options": {"random_start": False}}
    of, model = walk("pgd", entry), pgd.as_classifier(net)
    found = walked(model, part, of, at=[0, 4], context=context())
    x, y = part.tensors()
    end = pgd.attack(model, x, y, spec=of.spec, generator=torch.Generator()).images
    assert torch.equal(found[0], x)
    assert torch.equal(found[4], end)


def test_every_step_of_every_image_has_a_row_on_the_possible_side(paths: pd.DataFrame) -> None:
    assert len(paths) == 2 * 14 * 7
    assert axes_of(paths) == ["eps", "lambda_"]
    assert sorted(paths["step"].unique()) == [CLEAN, 0, 1, 2, 3, 4, 5]
    assert (paths["energy_y"] - paths["energy"]).min() > -1e-5
    assert set(paths[["attack", "eps", "lambda_"]].itertuples(index=False, name=None)) == {
        ("pgd", 0.1, 0.0),
        ("he_pgd", 0.1, 1.2),
    }
    start = paths[paths["step"] <= 0].pivot(
        index=["index", "step"], columns="attack", values="energy"
    )
    assert start["pgd"].tolist() == start["he_pgd"].tolist()  # both attacks start at the same point


def test_the_first_row_of_a_path_is_of_the_clean_image(folder: Path, paths: pd.DataFrame) -> None:
    x, y = read_split(folder, "test", 14).tensors()
    z, clean = classifier(folder)(x), paths[(paths["step"] == CLEAN) & (paths["attack"] == "pgd")]
    assert clean["energy"].tolist() == pytest.approx(energy(z).tolist(), rel=1e-5)
    assert clean["energy_y"].tolist() == pytest.approx(joint_energy(z, y).tolist(), rel=1e-5)
    assert clean["prediction"].tolist() == z.argmax(dim=1).tolist()


def test_of_a_sweep_the_first_budget_the_energys_weight_and_the_longest_path_are_followed() -> None:
    swept = {"eps": [0.1, 0.2], "steps": [5, 2], "lambda_": [0.0, 1.2, 2.0]}
    of = walk("he_pgd", PGD | {"sweep": swept, "options": {"rel_step": 0.25, "restarts": 3}})
    assert of.axes == {"eps": 0.1, "lambda_": 1.2}
    assert (of.spec.eps, of.spec.steps, of.spec.step) == (0.1, 5, 0.025)
    assert (of.spec.options["lambda_"], of.spec.options["restarts"]) == (1.2, 1)


def test_another_seed_gives_another_path_and_the_same_one_the_same(
    folder: Path, paths: pd.DataFrame
) -> None:
    options = {"attacks": BOTH, "images": 14}
    pd.testing.assert_frame_equal(
        read_rows(measured(folder, "trajectories", options, name="again")[0]).drop(columns="model"),
        paths.drop(columns="model"),
    )
    other = read_rows(measured(folder, "trajectories", options, seed=1)[0])
    assert set(other["seed"]) == {1}
    assert not other["energy"].equals(paths["energy"])


# --- planes
# ----------------------------------------------------------------------------------------------


def test_a_planes_corners_are_the_image_and_both_attacked_ones(
    paths: pd.DataFrame, planes: pd.DataFrame
) -> None:
    assert len(planes) == 2 * 81
    assert set(planes[["first", "second", "first_eps", "second_eps"]].itertuples(index=False)) == {
        ("pgd", "he_pgd", 0.1, 0.1)
    }
    for index, found in planes.groupby("index"):
        path = paths[paths["index"] == index].set_index(["attack", "step"])
        corner = found.set_index(["a", "b"])
        for place, key in (
            ((0, 0), ("pgd", CLEAN)),
            ((1, 0), ("pgd", 5)),
            ((0, 1), ("he_pgd", 5)),
        ):
            assert corner.loc[place, "energy"] == pytest.approx(path.loc[key, "energy"], abs=1e-4)
            assert corner.loc[place, "prediction"] == path.loc[key, "prediction"]
            assert corner.loc[place, "inside"]
        assert corner.loc[(0, 0), "prediction"] == corner.loc[(0, 0), "label"]
        assert (corner["lead"] >= 0).all()


def test_the_plane_of_a_linear_energy_is_computed_by_hand() -> None:
    net = linear(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.zeros(2))  # E(x) = -2 x_0 - log 2
    x, first, second = (
        torch.tensor(value).reshape(1, 1, 2) for value in ([0.5, 0.5], [0.75, 0.5], [0.5, 0.9])
    )
    found = plane_of(net, x, first, second, side=5, batch=7, device="cpu")
    expected = -2 * np.clip(0.5 + 0.25 * found["a"], 0, 1) - math.log(2)
    assert found["energy"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert found["inside"].tolist() == (0.5 + 0.4 * found["b"] <= 1.0).tolist()
    assert found["cosine"].tolist() == [0.0] * 25
    coordinates, grid = points(x, first, second, side=5)
    assert energy(net(grid.clamp(0, 1))).tolist() == pytest.approx(found["energy"].tolist())
    assert coordinates[:2].tolist() == [[-0.5, -0.5], [0.0, -0.5]]


def planes_of(folder: Path, **changes: Any) -> Measured:
    options = {"attacks": BOTH, "images": 14, "planes": 2, "side": 9} | changes.pop("options", {})
    model, part = classifier(folder), read_split(folder, "test", 30)
    part = replace(part, labels=(part.labels + changes.pop("shift", 0)) % 4)
    return plane_measure.measure(model, part, options=options, context=context(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"attacks": ATTACKS | {"pgd": {"kind": "noise", "sweep": {"eps": [0.1]}}}},
            "Attack pgd is of kind 'noise', whose path is not known step by step",
        ),
        (
            {"options": {"attacks": ["pgd"]}},
            r"Two attacks span a plane, 1 were given \(pgd\); name two",
        ),
        ({"options": {"side": 10}}, "A side of 10 points misses the image"),
        ({"options": {"images": 31}}, "31 test images were asked for and 30 are there"),
        ({"options": {"images": 12}, "shift": 1}, "errs on all of 12 images"),
    ],
)
def test_what_has_no_plane_is_refused(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        planes_of(folder, **changes)
