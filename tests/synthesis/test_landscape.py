"""Landscapes: paths that are the attack's own, planes by hand, the files and the figures of a
study.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import landscape as landscape_command
import numpy as np
import pandas as pd
import pytest
import torch
from robustgen.synthesis.landscape import LandscapeJob, cell
from robustgen.synthesis.landscape import run as run_landscape

from made import MODELS, PLAIN_NET, SPEC, flags_of, gradient_files, linear, made, random
from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.core.files import read_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import read_rows, write_rows
from robustgen.figures import input_gradients, joint_energies, plane, trajectories
from robustgen.figures.style import Picture, styled, write
from robustgen.measures.energy import energy
from robustgen.synthesis.plane import plane as plane_of
from robustgen.synthesis.plane import points
from robustgen.synthesis.trajectories import NATURAL, paths

PGD = {"kind": "pgd", "eps": [0.1, 0.2], "rel_step": 0.25, "steps": [0, 2, 5], "weight": [0.0]}
ATTACKS = {"pgd": PGD, "he_pgd": {**PGD, "weight": [0.0, 1.2, 2.0]}}


# --- paths and planes
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("landscape"))


def landscape_job(folder: Path, **changes: Any) -> LandscapeJob:
    names = {"dataset": "made", "model": "made_standard", "data": folder, "net": PLAIN_NET}
    sizes = {"attacks": ATTACKS, "images": 14, "plane": 2, "side": 9, "study_seed": 0, "seed": 0}
    place = {
        "weights": folder / "weights.safetensors",
        "device": "cpu",
        "threads": 1,
        "batch": 5,
        "out": folder / "landscape.parquet",
        "plane_out": folder / "plane.parquet",
    }
    return LandscapeJob(**{**names, **sizes, **place, **changes})


@pytest.fixture(scope="module")
def landscape(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of paths and of planes."""
    return run_landscape(landscape_job(folder))


def test_the_last_point_of_a_path_is_the_attacks_own_result_and_the_first_the_image() -> None:
    net, x, y = (
        linear(random(4, 12) - 0.5, torch.zeros(4)),
        random(5, 3, 2, 2, seed=1),
        torch.arange(5) % 4,
    )
    spec = Spec(eps=0.1, step=0.03, steps=4, weight=1.2)
    found = paths(net, x, y, spec=spec, generator=torch.Generator().manual_seed(3))
    assert list(found) == [NATURAL, 0, 1, 2, 3, 4]
    assert torch.equal(found[NATURAL], x)
    assert torch.equal(
        found[4],
        pgd.attack(net, x, y, spec=spec, generator=torch.Generator().manual_seed(3)).images,
    )
    still = paths(net, x, y, spec=replace(spec, random_start=False), generator=torch.Generator())
    assert torch.equal(still[0], x)


def test_every_step_of_every_image_has_a_row_on_the_possible_side(
    landscape: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    rows, _ = landscape
    assert len(rows) == 2 * 14 * 7
    assert sorted(rows["step"].unique()) == [NATURAL, 0, 1, 2, 3, 4, 5]
    assert (rows["energy_y"] - rows["energy"]).min() > -1e-5
    assert set(rows[["attack", "eps", "weight"]].itertuples(index=False, name=None)) == {
        ("pgd", 0.1, 0.0),
        ("he_pgd", 0.1, 1.2),
    }
    start = rows[rows["step"] <= 0].pivot(
        index=["index", "step"], columns="attack", values="energy"
    )
    assert start["pgd"].tolist() == start["he_pgd"].tolist()  # both attacks start at the same point


def test_a_planes_corners_are_the_image_and_both_attacked_ones(
    landscape: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    rows, planes = landscape
    assert len(planes) == 2 * 81
    for index, found in planes.groupby("index"):
        path = rows[rows["index"] == index].set_index(["attack", "step"])
        corner = found.set_index(["a", "b"])
        for place, key in (
            ((0, 0), ("pgd", NATURAL)),
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


def test_of_a_sweep_the_first_budget_the_energys_weight_and_the_longest_path_are_followed() -> None:
    spec = cell("he_pgd", {**ATTACKS["he_pgd"], "restarts": 3, "steps": [5, 2]})
    assert (spec.eps, spec.weight, spec.steps, spec.restarts, spec.step) == (0.1, 1.2, 5, 1, 0.025)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"attacks": {"pgd": PGD, "apgd": {**PGD, "kind": "torchattacks"}}},
            ("Attack apgd is of kind 'torchattacks'"),
        ),
        ({"attacks": {"pgd": PGD}}, r"Two attacks span a plane, 1 were given \(pgd\); name two"),
        ({"side": 10}, "A side of 10 points misses the image"),
        ({"images": 31}, "31 were asked for"),
    ],
)
def test_what_has_no_landscape_is_refused(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        run_landscape(landscape_job(folder, **changes))


def test_a_landscape_is_the_same_again_and_another_with_another_seed(
    folder: Path, landscape: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    again = run_landscape(landscape_job(folder))
    for mine, theirs in zip(again, landscape, strict=True):
        pd.testing.assert_frame_equal(mine, theirs)
    other, _ = run_landscape(landscape_job(folder, seed=1))
    assert not other["energy"].equals(landscape[0]["energy"])


# --- files and figures
# -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(folder: Path, landscape: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, list[str]]:
    """The same numbers under the names of three models, as files of a study."""
    found: dict[str, list[str]] = {
        "gradients": gradient_files(folder),
        "landscape": [],
        "scores": [],
    }
    for model in MODELS:
        place = folder / model
        for name, part in zip(("landscape", "plane"), landscape, strict=True):
            write_rows(place / f"{name}.parquet", part.assign(model=model), unit="image")
            found["landscape"].append(str(place / f"{name}.parquet"))
        write_rows(
            place / "scores.parquet", _scores(landscape[0].assign(model=model)), unit="image"
        )
        found["scores"].append(str(place / "scores.parquet"))
    return found


def _scores(paths: pd.DataFrame) -> pd.DataFrame:
    """Score rows made of the first and last points of paths."""
    natural = paths[(paths["step"] == NATURAL) & (paths["attack"] == "pgd")].assign(
        attack="clean", eps=0.0, steps=0, weight=0.0
    )
    return pd.concat([natural, paths[paths["step"] == 5].assign(steps=5)]).assign(split="test")


def test_the_commands_write_rows_and_costs_and_nothing_of_costs_into_rows(
    folder: Path, files: dict[str, list[str]], tmp_path: Path
) -> None:
    flags = [
        "--dataset",
        "made",
        "--model",
        "made_standard",
        *flags_of(folder),
        "--attacks",
        json.dumps(ATTACKS),
    ]
    sizes = ["--images", "3", "--plane", "1", "--side", "5", "--study-seed", "0", "--seed", "2"]
    outs = [
        "--out",
        str(tmp_path / "landscape.parquet"),
        "--plane-out",
        str(tmp_path / "plane.parquet"),
    ]
    landscape_command.main([*flags, *sizes, *outs])
    assert len(read_rows(tmp_path / "landscape.parquet")) == 2 * 3 * 7
    assert set(read_rows(tmp_path / "plane.parquet")["seed"]) == {2}
    assert read_json(tmp_path / "costs.json")["rule"] == "landscape"
    assert read_json(folder / "made_quasi" / "costs.json")["rule"] == "gradients"
    assert list(read_rows(files["gradients"][0])) == [
        *("dataset", "model", "seed", "split", "index", "label", "left_out"),
        *("total_variation", "low_frequency", "edge_agreement", "unit"),
    ]


@pytest.mark.parametrize(
    ("module", "count"),
    [(input_gradients, 16), (joint_energies, 3), (trajectories, 6), (plane, 9)],
    ids=lambda found: getattr(found, "__name__", ""),
)
def test_a_figure_has_its_panels_and_says_what_is_seen(
    module: Any, count: int, files: dict[str, list[str]], tmp_path: Path
) -> None:
    with styled():
        found = module.draw(files, spec=SPEC, absent=" Missing, see their logs: nothing.")
        write(found, tmp_path / "figure.png")
    assert isinstance(found, Picture)
    assert len(found.figure.axes) == count
    assert all(axis.has_data() for axis in found.figure.axes)
    assert found.caption.endswith("Missing, see their logs: nothing.")


@pytest.mark.parametrize(
    "module",
    [input_gradients, joint_energies, trajectories, plane],
    ids=lambda found: found.__name__,
)
def test_a_model_without_rows_gets_a_panel_that_says_so(
    module: Any, files: dict[str, list[str]]
) -> None:
    there = {
        sort: [path for path in paths if "made_robust" not in path] for sort, paths in files.items()
    }
    with styled():
        found = module.draw(there, spec=SPEC, absent="")
    said = {text.get_text() for axis in found.figure.axes for text in axis.texts}
    assert said & {
        "made_robust: no rows",
        "made_robust: no paths",
        "made_robust: no planes",
        "no gradients",
    }
