"""Balls: steps, projections and starts against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from norms import NORMS, SHAPE, generator, size
from robustgen.attacks.balls import ball

settings.load_profile("ci")  # no deadline, same examples in every run

# --- balls ----------------------------------------------------------------------------------------
# ---------------

images = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32)).map(torch.from_numpy)
shifts = hnp.arrays(np.float32, SHAPE, elements=st.floats(-8, 8, width=32)).map(torch.from_numpy)
radii = st.floats(1e-3, 3)


@given(images, shifts, radii, st.sampled_from(NORMS))
def test_a_projected_point_lies_in_the_ball_and_is_an_image(
    x: Tensor, shift: Tensor, eps: float, norm: str
) -> None:
    found = ball(norm, eps).project(x + shift, x)
    assert (size(found - x, norm) <= eps * (1 + 1e-5) + 1e-6).all()
    assert found.min() >= 0
    assert found.max() <= 1


@given(images, shifts, radii, st.sampled_from(NORMS))
def test_projecting_twice_is_projecting_once(
    x: Tensor, shift: Tensor, eps: float, norm: str
) -> None:
    region = ball(norm, eps)
    once = region.project(x + shift, x)
    torch.testing.assert_close(region.project(once, x), once, atol=1e-6, rtol=0)


@given(images, images, radii, st.sampled_from(NORMS))
def test_a_point_inside_is_its_own_projection(
    x: Tensor, other: Tensor, eps: float, norm: str
) -> None:
    towards = other - x
    inside = x + towards * (eps / size(towards, norm).clamp_min(eps)).reshape(-1, 1, 1, 1) * 0.999
    torch.testing.assert_close(ball(norm, eps).project(inside, x), inside, atol=1e-6, rtol=0)


@given(images, shifts, radii)
def test_the_l_inf_projection_is_the_nearest_point_by_brute_force(
    x: Tensor, shift: Tensor, eps: float
) -> None:
    low, high = np.maximum(x.numpy() - eps, 0), np.minimum(x.numpy() + eps, 1)
    expected = np.clip((x + shift).numpy(), low, high)
    np.testing.assert_allclose(ball("linf", eps).project(x + shift, x).numpy(), expected, atol=1e-6)


@given(shifts, radii)
def test_the_l2_projection_away_from_the_edge_keeps_the_direction(
    shift: Tensor, eps: float
) -> None:
    x, eps = torch.full(SHAPE, 0.5), min(eps, 0.5)
    delta = ball("l2", eps).project(x + shift, x) - x
    length = size(shift, "l2").reshape(-1, 1, 1, 1)
    expected = torch.where(length > eps, shift * eps / length.clamp_min(1e-9), shift)
    torch.testing.assert_close(delta, expected, atol=1e-6, rtol=1e-5)


@given(images, radii, st.sampled_from(NORMS), st.integers(0, 99))
def test_an_attack_starts_within_the_ball_at_an_image(
    x: Tensor, eps: float, norm: str, seed: int
) -> None:
    start = ball(norm, eps).start(x, generator(seed))
    assert (size(start - x, norm) <= eps * (1 + 1e-5) + 1e-6).all()
    assert start.min() >= 0
    assert start.max() <= 1


@pytest.mark.parametrize("norm", NORMS)
def test_starts_are_uniform_in_the_ball(norm: str) -> None:
    x = torch.full((4000, 1, 1, 2), 0.5)
    radius = size(ball(norm, 0.3).start(x, generator()) - x, norm) / 0.3
    volume = radius.square()  # both balls are areas here
    expected = torch.linspace(0, 1, len(x))
    # Kolmogorov-Smirnov: p < 0.001 at this n
    assert (volume.sort().values - expected).abs().max() < 0.031


@pytest.mark.parametrize("scale", [1e6, 1.0, 1e-6, 1e-15, 1e-18])
def test_the_steepest_direction_has_unit_size_however_small_the_gradient_is(scale: float) -> None:
    gradient = scale * torch.randn(SHAPE, generator=generator())
    for norm in NORMS:
        torch.testing.assert_close(size(ball(norm, 1).steepest(gradient), norm), torch.ones(2))


def test_no_gradient_gives_no_direction() -> None:
    for norm in NORMS:
        assert ball(norm, 1).steepest(torch.zeros(SHAPE)).tolist() == torch.zeros(SHAPE).tolist()
