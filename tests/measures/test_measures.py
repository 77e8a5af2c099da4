"""Energies by hand and by their equations; images and logits that mean nothing are refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import check_images, to_float
from robustgen.measures.energy import cross_entropy, energy, joint_energy, margin
from robustgen.measures.scores import logits, scores

settings.load_profile("ci")  # no deadline, same examples in every run
Z = torch.tensor([[math.log(2.0), math.log(6.0)], [0.0, 0.0]], dtype=torch.float64)

finite = st.floats(-80, 80, allow_nan=False)
shapes = st.tuples(st.integers(1, 5), st.integers(2, 6))
tables = hnp.arrays(np.float64, shapes, elements=finite).map(torch.from_numpy)


def labels(z: Tensor) -> Tensor:
    """Some label per row, all classes in turn."""
    return torch.arange(len(z)) % z.shape[1]


def test_energies_of_two_logits_by_hand() -> None:
    assert energy(Z).tolist() == pytest.approx([-math.log(8.0), -math.log(2.0)])
    assert joint_energy(Z, torch.tensor([1, 0])).tolist() == pytest.approx([-math.log(6.0), 0.0])
    assert cross_entropy(Z, torch.tensor([1, 0])).tolist() == pytest.approx(
        [-math.log(6 / 8), -math.log(1 / 2)]
    )


def test_energy_at_a_temperature_by_hand() -> None:
    assert energy(Z, 2.0).tolist() == pytest.approx(
        [-2 * math.log(2**0.5 + 6**0.5), -2 * math.log(2.0)]
    )


@given(tables)
def test_cross_entropy_is_the_difference_of_two_energies_and_torchs(z: Tensor) -> None:
    y = labels(z)
    theirs = torch.nn.functional.cross_entropy(z, y, reduction="none")
    torch.testing.assert_close(cross_entropy(z, y), theirs, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(joint_energy(z, y) - energy(z), theirs, atol=1e-9, rtol=1e-9)


@given(tables, finite, st.sampled_from([0.1, 1.0, 20.0]))
def test_energy_falls_by_c_where_all_logits_rise_by_c(
    z: Tensor, c: float, temperature: float
) -> None:
    torch.testing.assert_close(
        energy(z + c, temperature), energy(z, temperature) - c, atol=1e-9, rtol=1e-9
    )


@given(tables)
def test_energy_at_temperature_near_zero_is_minus_the_largest_logit(z: Tensor) -> None:
    torch.testing.assert_close(energy(z, 1e-9), -z.amax(dim=1), atol=1e-7, rtol=0.0)


@given(tables, st.sampled_from([0.1, 1.0, 20.0]))
def test_energy_lies_between_minus_max_and_that_less_t_log_k(z: Tensor, temperature: float) -> None:
    found, top = energy(z, temperature), -z.amax(dim=1)
    assert (found <= top + 1e-9).all()
    assert (found >= top - temperature * math.log(z.shape[1]) - 1e-9).all()


def test_energy_of_huge_logits_is_finite_in_fp32() -> None:
    assert energy(torch.tensor([[1e4, -1e4]])).tolist() == [-1e4]


def test_margin_by_hand() -> None:
    z = torch.tensor([[3.0, 1.0, 2.5], [3.0, 1.0, 2.5], [-1.0, -1.0, -4.0]])
    assert margin(z, torch.tensor([0, 1, 0])).tolist() == [0.5, -2.0, 0.0]


@given(tables)
def test_margin_is_the_brute_force_difference_and_negative_where_the_net_errs(z: Tensor) -> None:
    y = labels(z)
    brute = [
        row[k] - max(row[:k] + row[k + 1 :]) for row, k in zip(z.tolist(), y.tolist(), strict=True)
    ]
    assert margin(z, y).tolist() == pytest.approx(brute)
    assert ((margin(z, y) > 0) <= (z.argmax(dim=1) == y)).all()


def test_scores_are_the_energies_under_their_names_and_the_scores_themselves() -> None:
    found = scores(Z, torch.tensor([0, 1]))
    free = ["energy", "max_logit", "top_margin"]
    assert list(found) == ["prediction", *free, "energy_y", "ce", "margin", "z_0", "z_1"]
    assert found["prediction"].tolist() == [1, 0]
    assert found["energy"].tolist() == energy(Z).tolist()
    assert (found["z_1"] == Z[:, 1].numpy()).all()


def test_logits_do_not_depend_on_the_batch_and_keep_their_order() -> None:
    x = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([x.flatten(1).sum(1), x[:, 0, 0, 0]], dim=1)

    def sums(part: Tensor) -> Tensor:
        return torch.stack([part.flatten(1).sum(1), part[:, 0, 0, 0]], dim=1)

    for batch in (1, 3, 7, 100):
        torch.testing.assert_close(logits(sums, x, batch=batch, device="cpu"), expected)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_infinite_logits_are_refused_with_their_number(bad: float) -> None:
    def broken(part: Tensor) -> Tensor:
        return torch.where(part[:, 0, :, 0] > 0.5, bad, part[:, 0, :, 0])

    x = torch.tensor([0.9, 0.1, 0.8]).reshape(3, 1, 1, 1).expand(3, 1, 2, 2).contiguous()
    with pytest.raises(
        Refused, match=(r"infinite or NaN logits for 2 of 3 images; its energies mean nothing\.")
    ):
        logits(broken, x, batch=2, device="cpu")


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (
            torch.zeros(2, 1, 4, 4, dtype=torch.uint8),
            (r"must be float \[n,c,h,w\], not torch.uint8 of shape \(2, 1, 4, 4\)"),
        ),
        (torch.zeros(1, 4, 4), r"not torch.float32 of shape \(1, 4, 4\)"),
        (torch.full((1, 1, 2, 2), 1.01), r"must lie in \[0,1\], these lie in \[1.01, 1.01\]"),
        (torch.full((1, 1, 2, 2), -0.01), r"must lie in \[0,1\]"),
        (torch.tensor([0.5, math.nan]).reshape(1, 1, 1, 2), r"must lie in \[0,1\]"),
        (torch.zeros(0, 1, 2, 2), "no image in the batch"),
    ],
    ids=["bytes", "three axes", "above", "below", "nan", "empty"],
)
def test_what_is_no_batch_of_images_is_refused(images: Tensor, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check_images(images)


@given(st.integers(0, 255))
def test_every_byte_is_an_image_and_comes_back_from_a_float(value: int) -> None:
    image = to_float(torch.full((1, 1, 1, 1), value, dtype=torch.uint8))
    check_images(image)
    assert (image * 255).round().item() == value
    assert image.item() == pytest.approx(value / 255, abs=1e-7)
