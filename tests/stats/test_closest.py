"""Distances of the closest adversarial images on rows by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bounded import cell, rows
from robustgen.core.rows import CLEAN
from robustgen.stats.closest import Closest, _medians, closest, mean, median, never

SCORES = rows(
    cell("net", CLEAN, [0, 0, 0.4, 1, 0]),
    cell("net", "pgd", [0, 1, 0.5, 1, 0], eps=0.1, distance=[0.1, 0.09, 0.1, 0.1, 0.1]),
    cell("net", "pgd", [1, 1, 1, 1, 0.4], eps=0.2, distance=[0.18, 0.2, 0.2, 0.2, 0.2]),
)


def found(*attacks: str) -> Closest:
    it = closest(SCORES, [*attacks], "linf")
    assert it is not None
    return it


def test_the_closest_image_is_that_of_the_least_distance_which_half_of_the_draws_get_wrong() -> (
    None
):
    assert found("pgd").distance.tolist() == [0.18, 0.09, 0.1, 0.1, math.inf]
    assert found("pgd").right.tolist() == [True, True, True, False, True]


def test_images_that_are_never_fooled_count_at_the_largest_distance() -> None:
    """Of the four that are right: 0.18, 0.09, 0.1 and at least 0.2."""
    assert found("pgd").counted.tolist() == [0.18, 0.09, 0.1, 0.2]
    assert mean(found("pgd")).value == pytest.approx(0.57 / 4)
    assert median(found("pgd")).value == pytest.approx(0.14)
    assert never(found("pgd")).value == 1 / 4


def test_without_a_budget_the_largest_distance_is_the_largest_that_fooled() -> None:
    nearest = cell("net", "cw", [1, 1, 0, 1, 0], eps=math.inf, distance=[0.5, 3, 9, 0, 0])
    one = closest(rows(SCORES, nearest), ["cw"], "l2")
    assert one is not None
    assert (one.reach, one.counted.tolist()) == (3, [0.5, 3, 3, 3])


def test_several_attacks_give_the_closest_of_each() -> None:
    other = cell("net", "cw", [1, 0, 0, 0, 1], eps=math.inf, distance=[0.05, 0, 0, 0, 0.3])
    one = closest(rows(SCORES, other), ["pgd", "cw"], "linf")
    assert one is not None
    assert one.distance.tolist() == [0.05, 0.09, 0.1, 0.1, 0.3]


def test_a_model_without_rows_has_none() -> None:
    assert closest(SCORES, ["cw"], "linf") is None


def test_the_median_of_a_resample_is_that_of_its_values() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 8):
        x, counts = rng.random(n), rng.integers(0, 4, (20, n)) + (np.arange(n) == 0)
        wanted = [np.median(np.repeat(x, row)) for row in counts]
        np.testing.assert_allclose(_medians(x, counts), wanted)


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    index = pd.MultiIndex.from_product([[0], range(400)], names=["seed", "index"])
    x = pd.Series(np.random.default_rng(1).normal(5, 1, 400), index)
    it = mean(Closest(x > -1, x, 9.0))
    assert it.high - it.low == pytest.approx(4 * x.std() / 20, rel=0.15)
