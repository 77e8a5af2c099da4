"""LID by hand, of a cube, and against plain distances."""

import numpy as np
import pytest
import torch

from known import generator, lids, reference
from robustgen.measures.lid import lid


def test_lid_by_hand() -> None:
    clean = torch.tensor([[1.0, 0], [2, 0], [4, 0], [9, 0]])
    expected = -3 / (np.log(1 / 4) + np.log(2 / 4) + np.log(4 / 4))
    assert lid(torch.zeros(1, 2), clean, k=3).item() == pytest.approx(expected, rel=1e-5)


def test_lid_without_the_nearest() -> None:
    clean = torch.tensor([[0.0, 0], [1, 0], [2, 0], [4, 0]])
    assert lid(torch.zeros(1, 2), clean, k=3, drop_nearest=True).item() == pytest.approx(
        -3 / np.log(1 / 8), rel=1e-5
    )


@pytest.mark.parametrize("d", [2, 5, 8])
def test_lid_of_uniform_points_of_a_cube_is_its_dimension(d: int) -> None:
    """The estimator -k / sum log(r_i/r_k) counts the zero term of i = k: its mean is d k / (k - 2)
    for many points.
    """
    k = 50
    points = torch.rand(40_000, d, generator=generator(d))
    centre = 0.5 + 0.02 * (torch.rand(200, d, generator=generator(9)) - 0.5)  # far from the walls
    assert lid(centre, points, k=k).mean().item() == pytest.approx(d * k / (k - 2), rel=0.06)


def test_lid_by_the_matrix_product_is_that_of_plain_distances() -> None:
    x, clean = (
        torch.randn(30, 500, generator=generator(1)) + 5,
        torch.randn(100, 500, generator=generator(2)) + 5,
    )
    r = (
        torch.cdist(x.double(), clean.double(), compute_mode="donot_use_mm_for_euclid_dist")
        .sort(dim=1)
        .values[:, :20]
    )
    torch.testing.assert_close(
        lid(x, clean, k=20), -20 / (r / r[:, -1:]).log().sum(1), rtol=1e-4, atol=0
    )


def test_twins_are_compared_in_batches_of_at_least_the_size_asked_for() -> None:
    known = reference()
    measure = lids(known, k=5, batch=25)
    seen = known.first(60)
    found = measure(seen, seen)["lid_twin_0"]
    by_hand = [lid(part, part, k=5, drop_nearest=True) for part in seen["layers"][0].split(30)]
    np.testing.assert_allclose(found, torch.cat(by_hand), rtol=1e-6)
    assert set(measure(seen, seen)) == {
        f"lid_{end}{layer}" for end in ("", "twin_") for layer in range(3)
    }
