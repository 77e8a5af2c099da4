"""p-values: duality with the intervals of the same law, scipy's and statsmodels' numbers, Holm by
hand.
"""

from __future__ import annotations

import gc
import json
import math
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cells import CLEAN_ENERGIES, cell, clean, joined
from robustgen.stats import calibration, claims, intervals, laws
from robustgen.stats.holm import holm
from robustgen.stats.intervals import Interval
from robustgen.stats.rules import Claim

settings.load_profile("ci")  # no deadline, same examples in every run

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
margins = st.floats(0.001, 0.999)
TWO_GROUPS = np.random.default_rng(5)
ATTACKED, CLEAN = TWO_GROUPS.normal(0.7, 1, 60), TWO_GROUPS.normal(0, 1, 80)
ONES, OTHERS = TWO_GROUPS.random(200) < 0.6, TWO_GROUPS.random(200) < 0.5


def dual(found: Interval, margin: float) -> None:
    """p < 0.05 just where the 95 % interval excludes the margin; not asked within rounding."""
    if min(abs(margin - found.low), abs(margin - found.high)) > 1e-9:
        assert (found.p(margin) < 0.05) == (not found.low <= margin <= found.high)


@given(counts, margins)
def test_of_a_share_p_is_twice_the_smaller_binomial_tail(
    count: tuple[int, int], margin: float
) -> None:
    found = intervals.share(*count)
    below, above = (
        stats.binomtest(*count, margin, alternative=side).pvalue for side in ("less", "greater")
    )
    assert found.p(margin) == pytest.approx(min(1, 2 * min(below, above)), rel=1e-6)
    dual(found, margin)


def test_of_a_share_by_hand() -> None:
    """No hit of 4 against 1/2: twice 1/16. Outside of [0, 1] lies what no share can be."""
    found = intervals.share(0, 4)
    assert found.p(0.5) == pytest.approx(2 / 16)
    assert (found.p(0.0), found.p(-1.0), found.p(2.0)) == (1.0, 1.0, 0.0)


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=20), st.floats(-9, 9))
def test_of_a_mean_p_is_students(values: list[float], margin: float) -> None:
    found = intervals.mean(values)
    if np.std(values) > 1e-3:
        expected = stats.ttest_1samp(values, margin).pvalue
        assert found.p(margin) == pytest.approx(expected, rel=1e-6, abs=1e-12)
        dual(found, margin)


def test_of_a_single_value_and_of_constant_ones() -> None:
    assert intervals.mean([3.0]).p(100.0) == 1.0
    assert [intervals.mean([3.0, 3.0]).p(margin) for margin in (3.0, 3.1)] == [1.0, 0.0]


@given(st.floats(0.3, 0.95))
def test_of_an_auroc_p_is_normal_with_delongs_variance(margin: float) -> None:
    found = intervals.auroc(ATTACKED, CLEAN)
    error = (found.high - found.value) / 1.959963984540054
    expected = 2 * stats.norm.sf(abs(found.value - margin) / error)
    assert found.p(margin) == pytest.approx(expected, rel=1e-9)
    dual(found, margin)


@given(st.floats(-0.5, 0.5))
def test_of_a_paired_difference_p_is_normal_about_its_shifted_centre(margin: float) -> None:
    found = intervals.paired_share_difference(ONES, OTHERS)
    centre = (found.low + found.high) / 2
    error = (found.high - centre) / 1.959963984540054
    assert found.p(margin) == pytest.approx(2 * stats.norm.sf(abs(centre - margin) / error))
    dual(found, margin)


def test_of_a_bootstrap_p_is_a_share_of_draws_and_never_0() -> None:
    """Draws 1 .. 199: at most 3 are 3, 197 at least 3, so p = 2 (3 + 1) / 200."""
    p = laws.bootstrapped(np.arange(1.0, 200.0))
    assert (p(3.0), p(-5.0), p(100.0)) == (2 * 4 / 200, 2 / 200, 1.0)


@given(st.floats(-0.2, 0.3))
def test_of_a_bootstrap_p_below_5_percent_excludes_the_margin(margin: float) -> None:
    """Not the other way round: between two draws the interval ends, p rounds up."""
    confidence = np.random.default_rng(1).uniform(0.2, 1, 200)
    ours = (confidence, np.random.default_rng(2).random(200) < confidence - 0.1)
    theirs = (confidence, np.random.default_rng(3).random(200) < confidence)
    found = calibration.ece_difference(ours, theirs)
    if found.p(margin) < 0.05:
        assert not found.low <= margin <= found.high


@given(st.lists(st.floats(0.1, 0.9), min_size=2, max_size=5), margins)
def test_over_seeds_p_agrees_with_the_interval(values: list[float], margin: float) -> None:
    found, _ = intervals.over_seeds([Interval(one, one - 0.05, one + 0.02) for one in values])
    dual(found, margin)
    hits = [intervals.share(round(100 * one), 100) for one in values]
    dual(intervals.over_seeds(hits)[0], margin)


@given(st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(-3, 3))
def test_an_interval_of_unknown_origin_is_taken_for_normal_on_each_side(
    value: float, below: float, above: float, margin: float
) -> None:
    found = Interval(value, value - below, value + above)
    dual(found, margin)
    assert found.p(value + above) == pytest.approx(0.05)
    assert Interval(value, -math.inf, math.inf).p(margin) == 1.0


# --- Holm


def test_holm_by_hand() -> None:
    """Rising 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1; what falls is raised to the one before."""
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    with mock.patch.object(gc, "collect"):  # which it calls each time; beside torch it takes 1 s
        theirs = multipletests(values, method="holm")[1]
    assert holm(values) == pytest.approx(theirs)


def claim(name: str, work: str, **others: Any) -> Claim:
    return Claim(
        id=name, work=work, place="p", sentence="s.", family="standard", attack="pgd",
        statistic="energy_change", direction="below", **{"margin": 0.0, "min_n": 4, **others},
    )  # fmt: skip


def test_cells_are_corrected_over_their_claim_and_over_their_work() -> None:
    """Two claims of one work with one and two measured cells, and a claim of another work."""
    model = {"dataset": "digits", "kind": "resnet", "options": {}, "objective": "standard"}
    shifts = {0.1: [-0.3, -0.1, -0.2, 0.1], 0.2: [-1.0, -2.0, -1.5, 0.5]}
    attacked = [
        cell([energy + shift for energy, shift in zip(CLEAN_ENERGIES, moved, strict=True)], eps=eps)
        for eps, moved in shifts.items()
    ]
    rows = {"scores": joined(clean(), *attacked)}
    names = [
        claim("a", "w"),
        claim("b", "w", margin=-1.0),
        claim("c", "v"),
        claim("d", "w", min_n=5),
    ]
    judged = claims.judge_all(names, rows, {"plain": {**model, "family": "standard"}})
    plain = {one["id"]: [cell["p"] for cell in one["cells"]] for one in judged}
    expected = [
        [stats.ttest_1samp(moved, margin).pvalue for moved in shifts.values()]
        for margin in (0.0, -1.0)
    ]
    assert plain["a"] == plain["c"] == pytest.approx(expected[0])
    assert plain["b"] == pytest.approx(expected[1])
    assert plain["d"] == [None, None]
    over_work = holm(plain["a"] + plain["b"])
    for one, work in zip(judged, (over_work[:2], over_work[2:], holm(plain["c"])), strict=False):
        assert [cell["p_claim"] for cell in one["cells"]] == holm(plain[one["id"]])
        assert [cell["p_work"] for cell in one["cells"]] == work
    kept = ("p", "p_claim", "p_work")
    assert [judged[3]["cells"][0][name] for name in kept] == [None] * 3
    json.dumps(judged, allow_nan=False)
