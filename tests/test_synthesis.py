"""Input gradients and landscapes: measures by hand, gradients that do not underflow, paths that are the attack's own."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import gradients as gradients_command
import landscape as landscape_command
from robustgen.attacks import pgd
from robustgen.attacks.types import Spec
from robustgen.core.files import read_json, write_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import read_rows, write_rows
from robustgen.core.tensors import read_arrays, read_meta, write_arrays
from robustgen.data.store import Images, read_split
from robustgen.figures import input_gradients, joint_energies, plane, trajectories
from robustgen.figures.style import Picture, panels, styled, write
from robustgen.measures.energy import energy
from robustgen.nets import classifier
from robustgen.stats.intervals import mean
from robustgen.synthesis.alignment import edge_agreement, edges, low_frequency_share, total_variation
from robustgen.synthesis.directions import directions, vanished
from robustgen.synthesis.gradients import chosen, measured
from robustgen.synthesis.landscape import LandscapeJob, cell
from robustgen.synthesis.landscape import run as run_landscape
from robustgen.synthesis.plane import plane as plane_of
from robustgen.synthesis.plane import points
from robustgen.synthesis.trajectories import NATURAL, paths
from robustgen.tables import gradients as table

SIDE = 32  # the least that the net takes
PGD = {"kind": "pgd", "eps": [0.1, 0.2], "rel_step": 0.25, "steps": [0, 2, 5], "weight": [0.0]}
ATTACKS = {"pgd": PGD, "he_pgd": {**PGD, "weight": [0.0, 1.2, 2.0]}}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def linear(weights: Tensor, bias: Tensor) -> nn.Sequential:
    """A classifier z = W x + b, W [K,d]."""
    layer = nn.Linear(weights.shape[1], len(weights))
    layer.weight.data, layer.bias.data = weights, bias
    return nn.Sequential(nn.Flatten(), layer).requires_grad_(False)


# --- what a gradient looks like --------------------------------------------------------------------------------------


def test_total_variation_of_a_step_is_its_height_over_its_area() -> None:
    step = torch.zeros(1, 1, 4, 6)
    step[..., 3:] = 2.0
    assert total_variation(step).tolist() == [4 * 2.0 / (12 * 2.0)]


def test_total_variation_of_a_checkerboard_is_two_for_every_pair_of_neighbours() -> None:
    board = (torch.arange(4)[:, None] + torch.arange(4)[None, :]).remainder(2).mul(2.0).sub(1.0).reshape(1, 1, 4, 4)
    assert total_variation(board.expand(1, 3, 4, 4)).tolist() == [2.0 * (12 + 12) / 16]


def test_total_variation_of_a_single_pixel_is_four() -> None:
    pixel = torch.zeros(1, 1, 5, 5)
    pixel[..., 2, 2] = -3.0
    assert total_variation(pixel).tolist() == [4.0]


@pytest.mark.parametrize(
    ("cycles", "share"), [((0, 1), 1.0), ((2, 3), 1.0), ((0, 4), 1.0), ((3, 3), 0.0), ((0, 5), 0.0), ((9, 2), 0.0)]
)
def test_low_frequency_share_of_a_sinusoid_is_one_within_a_quarter_of_nyquist_and_zero_beyond(
    cycles: tuple[int, int], share: float
) -> None:
    place = torch.arange(32, dtype=torch.float64) / 32  # 16 cycles are Nyquist's, 4 a quarter of it
    wave = torch.sin(2 * math.pi * (cycles[0] * place[:, None] + cycles[1] * place[None, :])).reshape(1, 1, 32, 32)
    assert low_frequency_share(wave).item() == pytest.approx(share, abs=1e-12)


def test_low_frequency_share_of_two_waves_is_that_of_their_energies_and_of_noise_the_circles_area() -> None:
    place = 2 * math.pi * torch.arange(32, dtype=torch.float64) / 32
    waves = torch.sin(2 * place) + 2 * torch.sin(7 * place)
    assert low_frequency_share(waves.expand(1, 2, 32, 32)).item() == pytest.approx(1 / 5)
    noise = torch.randn(50, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert low_frequency_share(noise).mean().item() == pytest.approx(math.pi / 64, abs=0.003)
    assert low_frequency_share(torch.ones(1, 1, 8, 8)).item() == 1.0


def test_an_images_own_edges_agree_wholly_and_noise_does_not() -> None:
    x = random(20, 3, 32, 32)
    assert edge_agreement(-2 * edges(x)[:, None], x).tolist() == pytest.approx([1.0] * 20)
    assert edge_agreement(random(20, 3, 32, 32, seed=1) - 0.5, x).abs().mean().item() < 0.05
    assert edge_agreement(edges(x).roll(1, dims=0)[:, None], x).abs().mean().item() < 0.05


def test_edge_agreement_is_scipys_spearman_with_ties() -> None:
    from scipy.stats import spearmanr

    x, g = random(3, 2, 6, 6).round(decimals=1), random(3, 2, 6, 6, seed=1).round(decimals=1) - 0.5
    strength, seen = g.double().abs().sum(1).flatten(1).round(decimals=9), edges(x).flatten(1).round(decimals=9)
    theirs = [spearmanr(a, b).statistic for a, b in zip(strength, seen, strict=True)]
    assert edge_agreement(g, x).tolist() == pytest.approx(theirs)


def test_edges_are_sobels_by_hand_and_a_flat_image_has_none() -> None:
    step = torch.zeros(1, 2, 4, 4)
    step[:, 0, :, 2:] = 1.0
    assert edges(step)[0].tolist() == [[0.0, 4.0, 4.0, 0.0]] * 4
    flat = torch.full((1, 3, 5, 5), 0.3)
    assert edges(flat).abs().max().item() == 0.0
    assert edge_agreement(random(1, 3, 5, 5), flat).tolist() == [0.0]


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e20])
def test_no_measure_depends_on_the_gradients_size(scale: float) -> None:
    g, x = random(4, 3, 8, 8) - 0.5, random(4, 3, 8, 8, seed=1)
    for measure in (total_variation, low_frequency_share, lambda one: edge_agreement(one, x)):
        torch.testing.assert_close(measure(g * scale), measure(g), rtol=1e-5, atol=1e-6)


# --- which way the loss rises ----------------------------------------------------------------------------------------


def test_the_direction_of_a_linear_net_of_two_classes_is_the_difference_of_its_weights() -> None:
    w = random(2, 12) - 0.5
    found = directions(linear(w, torch.zeros(2)), random(3, 3, 2, 2), torch.tensor([0, 1, 1]))
    torch.testing.assert_close(found.flatten(1), torch.stack([w[1] - w[0], w[0] - w[1], w[0] - w[1]]))


def test_the_direction_times_what_the_label_lacks_is_torchs_gradient_of_cross_entropy() -> None:
    net, x, y = linear(random(5, 12, seed=1) - 0.5, torch.zeros(5)), random(4, 3, 2, 2).requires_grad_(), torch.arange(4)
    theirs = torch.autograd.grad(nn.functional.cross_entropy(net(x), y, reduction="sum"), x)[0]
    lacks = 1 - net(x).softmax(dim=1).gather(1, y[:, None]).reshape(-1, 1, 1, 1)
    torch.testing.assert_close(directions(net, x.detach(), y) * lacks, theirs)


@pytest.mark.parametrize("lead", [30.0, 200.0, 1e4])  # p_y = 1 in fp32; from 104 on the others' probabilities are 0 as well
def test_a_confident_image_keeps_its_direction_where_torchs_gradient_has_lost_it(lead: float) -> None:
    w, x, y = random(3, 12) - 0.5, random(1, 3, 2, 2), torch.tensor([0])
    confident, exact = linear(w, torch.tensor([lead, 0.0, 0.0])), linear(w.double(), torch.tensor([0.0, 0.0, 0.0]).double())
    assert confident(x).softmax(dim=1)[0, 0].item() == 1.0
    others = exact(x.double())[:, 1:].softmax(dim=1) @ w[1:].double()
    torch.testing.assert_close(directions(confident, x, y).flatten(1).double(), others - w[:1].double(), rtol=1e-3, atol=1e-4)


def test_a_direction_that_is_not_finite_is_refused() -> None:
    with pytest.raises(Refused, match="infinite or NaN for 2 of 2 images"):
        directions(linear(torch.full((3, 4), math.nan), torch.zeros(3)), random(2, 1, 2, 2), torch.tensor([0, 1]))


def test_images_without_a_gradient_are_left_out_and_counted() -> None:
    part = Images(np.arange(3 * 48, dtype=np.uint8).reshape(3, 3, 4, 4), np.array([0, 1, 0]), np.array([7, 8, 9]), ("a", "b"))
    g = random(3, 3, 4, 4) - 0.5
    g[1] = 0.0
    assert vanished(g).tolist() == [False, True, False]
    rows = measured(part, g, {"dataset": "d", "model": "m", "seed": 0, "split": "test"})
    assert rows["index"].tolist() == [7, 9]
    assert rows["left_out"].tolist() == [1, 1]
    assert not rows.isna().any(axis=None)
    with pytest.raises(Refused, match="Every input gradient is zero"):
        measured(part, torch.zeros(3, 3, 4, 4), {})


def test_one_image_of_each_class_is_shown_in_order_then_a_second_of_each() -> None:
    assert chosen(np.array([2, 0, 0, 2, 1, 0]), 5).tolist() == [1, 4, 0, 2, 3]
    assert chosen(np.array([2, 0]), 5).tolist() == [1, 0]


# --- paths and planes ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 30 images and an untrained net that is right on the first 12."""
    base = tmp_path_factory.mktemp("synthesis")
    torch.manual_seed(0)
    spec = classifier.NetSpec("resnet", 3, 4, SIDE, (0.5,) * 3, (0.25,) * 3, {"width": 4})
    net = classifier.classifier(spec)
    net[1].linear.weight.data *= 40  # logits that differ
    classifier.save(base / "weights.safetensors", net, spec)
    images = (random(30, 3, SIDE, SIDE) * 255).byte().numpy()
    z = classifier.frozen(net)(torch.from_numpy(images).float() / 255)
    labels = (z.argmax(dim=1) + (torch.arange(30) >= 12)).remainder(4).numpy()
    write_arrays(base / "pool.safetensors", {"images": images, "labels": labels})
    write_json(base / "pool.json", {"names": ["ant", "bee", "cat", "dog"]})
    write_arrays(base / "splits.safetensors", {"test": np.arange(30)})
    return base


def landscape_job(folder: Path, **changes: Any) -> LandscapeJob:
    names = {"dataset": "made", "model": "made_standard", "data": folder, "weights": folder / "weights.safetensors"}
    sizes = {"attacks": ATTACKS, "images": 14, "plane": 2, "side": 9, "study_seed": 0, "seed": 0}
    place = {
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
    net, x, y = linear(random(4, 12) - 0.5, torch.zeros(4)), random(5, 3, 2, 2, seed=1), torch.arange(5) % 4
    spec = Spec(eps=0.1, step=0.03, steps=4, weight=1.2)
    found = paths(net, x, y, spec=spec, generator=torch.Generator().manual_seed(3))
    assert list(found) == [NATURAL, 0, 1, 2, 3, 4]
    assert torch.equal(found[NATURAL], x)
    assert torch.equal(found[4], pgd.attack(net, x, y, spec=spec, generator=torch.Generator().manual_seed(3)).images)
    still = paths(net, x, y, spec=replace(spec, random_start=False), generator=torch.Generator())
    assert torch.equal(still[0], x)


def test_every_step_of_every_image_has_a_row_on_the_possible_side(landscape: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, _ = landscape
    assert len(rows) == 2 * 14 * 7
    assert sorted(rows["step"].unique()) == [NATURAL, 0, 1, 2, 3, 4, 5]
    assert (rows["energy_y"] - rows["energy"]).min() > -1e-5
    assert set(rows[["attack", "eps", "weight"]].itertuples(index=False, name=None)) == {("pgd", 0.1, 0.0), ("he_pgd", 0.1, 1.2)}
    start = rows[rows["step"] <= 0].pivot(index=["index", "step"], columns="attack", values="energy")
    assert start["pgd"].tolist() == start["he_pgd"].tolist()  # both attacks start at the same point


def test_a_planes_corners_are_the_image_and_both_attacked_ones(landscape: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, planes = landscape
    assert len(planes) == 2 * 81
    for index, found in planes.groupby("index"):
        path = rows[rows["index"] == index].set_index(["attack", "step"])
        corner = found.set_index(["a", "b"])
        for place, key in (((0, 0), ("pgd", NATURAL)), ((1, 0), ("pgd", 5)), ((0, 1), ("he_pgd", 5))):
            assert corner.loc[place, "energy"] == pytest.approx(path.loc[key, "energy"], abs=1e-4)
            assert corner.loc[place, "prediction"] == path.loc[key, "prediction"]
            assert corner.loc[place, "inside"]
        assert corner.loc[(0, 0), "prediction"] == corner.loc[(0, 0), "label"]
        assert (corner["lead"] >= 0).all()


def test_the_plane_of_a_linear_energy_is_computed_by_hand() -> None:
    net = linear(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.zeros(2))  # E(x) = -2 x_0 - log 2
    x, first, second = (torch.tensor(value).reshape(1, 1, 2) for value in ([0.5, 0.5], [0.75, 0.5], [0.5, 0.9]))
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
        ({"attacks": {"pgd": PGD, "apgd": {**PGD, "kind": "torchattacks"}}}, "Attack apgd is of kind 'torchattacks'"),
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


# --- tables and figures ----------------------------------------------------------------------------------------------

MODELS: dict[str, Any] = {
    f"made_{name}": {"dataset": "made", "merged": [], "net": "resnet", "options": {}, "objective": objective}
    for name, objective in (
        ("standard", {"kind": "standard"}),
        ("quasi", {"kind": "adversarial", "norm": "l2", "eps": 0.01}),
        ("robust", {"kind": "adversarial", "norm": "linf", "eps": 8 / 255}),
    )
}
SPEC: dict[str, Any] = {"models": MODELS, "attacks": {"pgd": {"steps": [0, 5]}, "he_pgd": {"steps": [5]}}, "options": {}}


@pytest.fixture(scope="module")
def files(folder: Path, landscape: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, list[str]]:
    """The same numbers under the names of three models, as files of a study."""
    found: dict[str, list[str]] = {"gradients": [], "landscape": [], "scores": []}
    for model in MODELS:
        place = folder / model
        out, pictures = place / "gradients.parquet", place / "gradients.safetensors"
        flags = ["--dataset", "made", "--model", model, *_files_of(folder), "--images", 14, "--shown", 4, "--batch", 5]
        gradients_command.main([*map(str, flags), "--out", str(out), "--pictures", str(pictures)])
        found["gradients"] += [str(out), str(pictures)]
        for name, part in zip(("landscape", "plane"), landscape, strict=True):
            write_rows(place / f"{name}.parquet", part.assign(model=model), unit="image")
            found["landscape"].append(str(place / f"{name}.parquet"))
        write_rows(place / "scores.parquet", _scores(landscape[0].assign(model=model)), unit="image")
        found["scores"].append(str(place / "scores.parquet"))
    return found


def _files_of(folder: Path) -> list[str]:
    return ["--data", str(folder), "--weights", str(folder / "weights.safetensors"), "--device", "cpu", "--threads", "1"]


def _scores(paths: pd.DataFrame) -> pd.DataFrame:
    """Score rows made of the first and last points of paths."""
    natural = paths[(paths["step"] == NATURAL) & (paths["attack"] == "pgd")].assign(attack="clean", eps=0.0, steps=0, weight=0.0)
    return pd.concat([natural, paths[paths["step"] == 5].assign(steps=5)]).assign(split="test")


def test_the_commands_write_rows_and_costs_and_nothing_of_costs_into_rows(
    folder: Path, files: dict[str, list[str]], tmp_path: Path
) -> None:
    flags = ["--dataset", "made", "--model", "made_standard", *_files_of(folder), "--attacks", json.dumps(ATTACKS)]
    sizes = ["--images", "3", "--plane", "1", "--side", "5", "--study-seed", "0", "--seed", "2"]
    outs = ["--out", str(tmp_path / "landscape.parquet"), "--plane-out", str(tmp_path / "plane.parquet")]
    landscape_command.main([*flags, *sizes, *outs])
    assert len(read_rows(tmp_path / "landscape.parquet")) == 2 * 3 * 7
    assert set(read_rows(tmp_path / "plane.parquet")["seed"]) == {2}
    assert read_json(tmp_path / "costs.json")["rule"] == "landscape"
    assert read_json(folder / "made_quasi" / "costs.json")["rule"] == "gradients"
    assert list(read_rows(files["gradients"][0])) == [
        *("dataset", "model", "seed", "split", "index", "label", "left_out"),
        *("total_variation", "low_frequency", "edge_agreement", "unit"),
    ]


def test_pictures_are_the_gradients_of_the_images_beside_them(folder: Path, files: dict[str, list[str]]) -> None:
    path = next(path for path in files["gradients"] if path.endswith("safetensors"))
    arrays, part = read_arrays(path), read_split(folder, "test", 14)
    assert json.loads(read_meta(path)["names"]) == ["ant", "bee", "cat", "dog"]
    assert arrays["gradients"].dtype == np.float32
    places = np.searchsorted(part.index, arrays["index"])
    x, y = (tensor[places] for tensor in part.tensors())
    model = classifier.frozen(classifier.load(folder / "weights.safetensors")[0])
    torch.testing.assert_close(torch.from_numpy(arrays["gradients"]), directions(model, x, y), rtol=1e-4, atol=1e-5)
    assert (arrays["images"] == part.images[places]).all()


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


@pytest.mark.parametrize("module", [input_gradients, joint_energies, trajectories, plane], ids=lambda found: found.__name__)
def test_a_model_without_rows_gets_a_panel_that_says_so(module: Any, files: dict[str, list[str]]) -> None:
    there = {sort: [path for path in paths if "made_robust" not in path] for sort, paths in files.items()}
    with styled():
        found = module.draw(there, spec=SPEC, absent="")
    said = {text.get_text() for axis in found.figure.axes for text in axis.texts}
    assert said & {"made_robust: no rows", "made_robust: no paths", "made_robust: no planes", "no gradients"}


def test_a_gradient_of_zeros_is_shown_as_such_and_a_sparse_one_by_its_largest_value() -> None:
    with styled():
        figure, axes = panels(2, 1)
        sparse = np.zeros((1, 20, 20), np.float32)
        sparse[0, 3, 3] = -2e-30
        input_gradients._gradients(axes[:, 0], "net", input_gradients.Seen(np.zeros(0), np.stack([sparse * 0, sparse]), []))
    assert [text.get_text() for text in figure.axes[0].texts] == ["zero in\nevery pixel"]
    shown = figure.axes[1].images[0].get_array()
    assert (shown[3, 3], shown[0, 0]) == (0.0, 0.5)


def test_the_table_gives_means_with_intervals_and_how_many_images_had_no_gradient(files: dict[str, list[str]]) -> None:
    found = table.make(files, spec=SPEC, paper=pd.DataFrame(), absent="")
    assert found.rows["trained"].tolist() == ["standard", "adversarial, L_2 0.01", "adversarial, L_inf 8/255"]
    rows = read_rows(files["gradients"][0])
    expected = mean(rows["low_frequency"].to_numpy())
    assert tuple(found.rows.loc[0, ["low_frequency", "low_frequency_low", "low_frequency_high"]]) == pytest.approx(
        tuple(expected)
    )
    assert found.rows["left_out"].tolist() == [0, 0, 0]
    assert "95 % intervals over images" in found.note
