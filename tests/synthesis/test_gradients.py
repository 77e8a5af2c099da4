"""Input gradients: measures by hand, directions that do not underflow, and the pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from made import classifier, linear, made, measured, random
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, read_rows
from robustgen.core.tensors import read_arrays
from robustgen.data.store import Images, read_split
from robustgen.synthesis.alignment import (
    edge_agreement,
    edges,
    low_frequency_share,
    total_variation,
)
from robustgen.synthesis.directions import directions, vanished
from robustgen.synthesis.gradients import chosen, rows

# --- what a gradient looks like
# --------------------------------------------------------------------------------------


def test_total_variation_of_a_step_is_its_height_over_its_area() -> None:
    step = torch.zeros(1, 1, 4, 6)
    step[..., 3:] = 2.0
    assert total_variation(step).tolist() == [4 * 2.0 / (12 * 2.0)]


def test_total_variation_of_a_checkerboard_is_two_for_every_pair_of_neighbours() -> None:
    board = (
        (torch.arange(4)[:, None] + torch.arange(4)[None, :])
        .remainder(2)
        .mul(2.0)
        .sub(1.0)
        .reshape(1, 1, 4, 4)
    )
    assert total_variation(board.expand(1, 3, 4, 4)).tolist() == [2.0 * (12 + 12) / 16]


def test_total_variation_of_a_single_pixel_is_four() -> None:
    pixel = torch.zeros(1, 1, 5, 5)
    pixel[..., 2, 2] = -3.0
    assert total_variation(pixel).tolist() == [4.0]


@pytest.mark.parametrize(
    ("cycles", "share"),
    [((0, 1), 1.0), ((2, 3), 1.0), ((0, 4), 1.0), ((3, 3), 0.0), ((0, 5), 0.0), ((9, 2), 0.0)],
)
def test_low_frequency_share_of_a_sinusoid_is_one_within_a_quarter_of_nyquist_and_zero_beyond(
    cycles: tuple[int, int], share: float
) -> None:
    place = torch.arange(32, dtype=torch.float64) / 32  # 16 cycles are Nyquist's, 4 a quarter of it
    wave = torch.sin(
        2 * math.pi * (cycles[0] * place[:, None] + cycles[1] * place[None, :])
    ).reshape(1, 1, 32, 32)
    assert low_frequency_share(wave).item() == pytest.approx(share, abs=1e-12)


def test_low_frequency_share_of_two_waves_and_of_noise_by_hand() -> None:
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
    strength, seen = (
        g.double().abs().sum(1).flatten(1).round(decimals=9),
        edges(x).flatten(1).round(decimals=9),
    )
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


# --- which way the loss rises
# ----------------------------------------------------------------------------------------


def test_the_direction_of_a_linear_net_of_two_classes_is_the_difference_of_its_weights() -> None:
    w = random(2, 12) - 0.5
    found = directions(linear(w, torch.zeros(2)), random(3, 3, 2, 2), torch.tensor([0, 1, 1]))
    torch.testing.assert_close(
        found.flatten(1), torch.stack([w[1] - w[0], w[0] - w[1], w[0] - w[1]])
    )


def test_the_direction_times_what_the_label_lacks_is_torchs_gradient_of_cross_entropy() -> None:
    net, x, y = (
        linear(random(5, 12, seed=1) - 0.5, torch.zeros(5)),
        random(4, 3, 2, 2).requires_grad_(),
        torch.arange(4),
    )
    theirs = torch.autograd.grad(nn.functional.cross_entropy(net(x), y, reduction="sum"), x)[0]
    lacks = 1 - net(x).softmax(dim=1).gather(1, y[:, None]).reshape(-1, 1, 1, 1)
    torch.testing.assert_close(directions(net, x.detach(), y) * lacks, theirs)


# p_y = 1 in fp32; from 104 on the others' probabilities are 0 as well
@pytest.mark.parametrize("lead", [30.0, 200.0, 1e4])
def test_a_confident_image_keeps_its_direction_where_torchs_gradient_has_lost_it(
    lead: float,
) -> None:
    w, x, y = random(3, 12) - 0.5, random(1, 3, 2, 2), torch.tensor([0])
    confident, exact = (
        linear(w, torch.tensor([lead, 0.0, 0.0])),
        linear(w.double(), torch.tensor([0.0, 0.0, 0.0]).double()),
    )
    assert confident(x).softmax(dim=1)[0, 0].item() == 1.0
    others = exact(x.double())[:, 1:].softmax(dim=1) @ w[1:].double()
    torch.testing.assert_close(
        directions(confident, x, y).flatten(1).double(),
        others - w[:1].double(),
        rtol=1e-3,
        atol=1e-4,
    )


def test_a_direction_that_is_not_finite_is_refused() -> None:
    with pytest.raises(Refused, match="infinite or NaN for 2 of 2 images"):
        directions(
            linear(torch.full((3, 4), math.nan), torch.zeros(3)),
            random(2, 1, 2, 2),
            torch.tensor([0, 1]),
        )


def test_images_without_a_gradient_are_left_out_and_counted() -> None:
    part = Images(
        np.arange(3 * 48, dtype=np.uint8).reshape(3, 3, 4, 4),
        np.array([0, 1, 0]),
        np.array([7, 8, 9]),
        ("a", "b"),
    )
    g = random(3, 3, 4, 4) - 0.5
    g[1] = 0.0
    assert vanished(g).tolist() == [False, True, False]
    found = rows(part, g)
    assert found["index"].tolist() == [7, 9]
    assert found["left_out"].tolist() == [1, 1]
    assert not found.isna().any(axis=None)
    with pytest.raises(Refused, match="Every input gradient is zero"):
        rows(part, torch.zeros(3, 3, 4, 4))


def test_one_image_of_each_class_is_shown_in_order_then_a_second_of_each() -> None:
    assert chosen(np.array([2, 0, 0, 2, 1, 0]), 5).tolist() == [1, 4, 0, 2, 3]
    assert chosen(np.array([2, 0]), 5).tolist() == [1, 0]


# --- the measure of a model
# ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("gradients"))


@pytest.fixture(scope="module")
def files(folder: Path) -> list[str]:
    return measured(folder, "gradients", {"images": 14, "shown": 4})


def test_pictures_are_the_gradients_of_the_images_beside_them(
    folder: Path, files: list[str]
) -> None:
    arrays, part = read_arrays(files[1]), read_split(folder, "test", 14)
    assert json.loads(bytes(arrays["names"])) == ["ant", "bee", "cat", "dog"]
    assert arrays["gradients"].dtype == np.float32
    places = np.searchsorted(part.index, arrays["index"])
    assert len(places) == 4
    x, y = (tensor[places] for tensor in part.tensors())
    torch.testing.assert_close(
        torch.from_numpy(arrays["gradients"]), directions(classifier(folder), x, y)
    )
    assert (arrays["images"] == part.images[places]).all()


def test_there_is_a_row_per_image_with_what_its_gradient_is_like(
    folder: Path, files: list[str]
) -> None:
    found, part = read_rows(files[0]), read_split(folder, "test", 14)
    assert list(found) == [
        *("dataset", "model", "seed", "attack", "split", "index", "label", "left_out"),
        *("total_variation", "low_frequency", "edge_agreement", "unit"),
    ]
    assert axes_of(found) == []
    assert found["index"].tolist() == part.index.tolist()
    g = directions(classifier(folder), *part.tensors())
    expected = low_frequency_share(g).tolist()
    assert found["low_frequency"].tolist() == pytest.approx(expected, rel=1e-4)


def test_more_images_than_there_are_is_refused(folder: Path) -> None:
    with pytest.raises(Refused, match=r"31 test images were asked for and 30 are there"):
        measured(folder, "gradients", {"images": 31, "shown": 4})
