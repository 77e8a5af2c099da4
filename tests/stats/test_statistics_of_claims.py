"""The statistics of claims on rows by hand."""

import numpy as np
import pytest

from cells import cell, clean, joined
from robustgen.stats import calibration, intervals, statistics


def test_energy_change_is_the_mean_paired_difference_at_the_last_step() -> None:
    # rows in another order
    part = joined(cell([9.0] * 4, steps=2), cell([-2.0, -4.0, -6.0, -8.0]).iloc[::-1])
    assert statistics.energy_change(part, clean()) == pytest.approx(
        intervals.mean([-1.0, -2.0, -3.0, -4.0])
    )


def test_the_largest_rise_is_over_consecutive_positive_step_counts() -> None:
    steps = {
        0: [50.0] * 4,
        2: [0.0, 1.0, 2.0, 3.0],
        5: [-3.0, -2.5, -1.0, 0.5],
        10: [-3.5, -2.0, -2.0, -1.0],
    }
    part = joined(*[cell(energies, steps=count) for count, energies in steps.items()])
    rises = [np.array(steps[5]) - steps[2], np.array(steps[10]) - steps[5]]
    assert statistics.largest_rise_between_steps(part, clean()) == pytest.approx(
        max(map(intervals.mean, rises))
    )
    assert statistics.largest_rise_between_steps(part, clean()).value == pytest.approx(-0.625)


def test_auroc_of_a_claim_is_of_minus_the_energy() -> None:
    found = statistics.auroc(
        joined(cell([5.0] * 4, steps=2), cell([-9.0, -2.5, -1.5, 7.0])), clean()
    )
    assert found.value == pytest.approx((4 + 2 + 1 + 0) / 16)


def test_success_difference_is_paired_by_image() -> None:
    ours = cell([0.0] * 4, attack="he_pgd", success=[True, True, False, True])
    theirs = cell([0.0] * 4, success=[False, True, True, True]).iloc[::-1]
    expected = intervals.paired_share_difference(
        np.array([1, 1, 0, 1], bool), np.array([0, 1, 1, 1], bool)
    )
    assert statistics.success_difference(ours, theirs) == expected
    assert expected.value == 0


def test_drift_ratio_is_that_of_the_mean_changes_between_first_and_last_positive_step() -> None:
    ours = joined(
        cell([90.0] * 4, steps=0),
        cell([1.0, 2.0, 3.0, 4.0], steps=2),
        cell([0.5, 1.5, 2.5, 3.5], steps=9),
    )
    theirs = joined(
        cell([-90.0] * 4, steps=0),
        cell([1.0, 2.0, 3.0, 4.0], steps=2),
        cell([-3.0, -2.0, -1.0, 0.0], steps=9),
    )
    assert statistics.drift_ratio(ours, theirs) == pytest.approx((0.125, 0.125, 0.125))


def test_the_spread_ratio_is_that_of_standard_deviations_at_the_last_step() -> None:
    wide = cell([0.0, 2.0, 4.0, 6.0] * 10)
    found = statistics.spread_ratio(
        joined(cell([9.0, -9.0, 9.0, -9.0] * 10, steps=2), cell([5.0, 6.0, 7.0, 8.0] * 10)), wide
    )
    assert found.value == pytest.approx(0.5)
    with pytest.raises(statistics.NotMeasured, match="constant"):
        statistics.spread_ratio(cell([5.0, 6.0, 7.0, 8.0]), clean().assign(energy=1.0))


def test_low_marginal_high_joint_asks_for_both_on_the_same_image() -> None:
    before = clean().assign(energy_y=[0.0, 0.0, 0.0, 0.0])
    after = cell([-9.0, -9.0, 9.0, -9.0]).assign(energy_y=[1.0, -1.0, 1.0, 1.0]).iloc[::-1]
    assert statistics.low_marginal_high_joint(after, before) == intervals.share(2, 4)


def test_errors_left_clean_counts_only_what_was_misclassified_before() -> None:
    before = clean().assign(success=[True, True, False, True])
    after = cell([0.0] * 4, attack="apgd").assign(linf=[0.0, 0.1, 0.0, 0.0]).iloc[::-1]
    assert statistics.errors_left_clean(after, before) == intervals.share(2, 3)


def test_accuracy_difference_is_this_net_minus_the_other_on_the_same_images() -> None:
    ours, theirs = (
        cell([0.0] * 4, success=[True, True, True, False]),
        cell([0.0] * 4, success=[True, False, False, False]),
    )
    expected = intervals.paired_share_difference(
        np.array([0, 0, 0, 1], bool), np.array([0, 1, 1, 1], bool)
    )
    assert statistics.accuracy_difference(ours, theirs.iloc[::-1]) == expected
    assert expected.value == -0.5


def test_ece_reduction_is_that_of_the_other_net_minus_that_of_this_one() -> None:
    """Confidence 0.9 throughout: of 4 right images the error is 0.1, of 2 right ones 0.4."""
    ours, theirs = clean(), clean().assign(success=[True, False, True, False])
    ours, theirs = (rows.assign(max_logit=np.log(0.9) - rows["energy"]) for rows in (ours, theirs))
    found = statistics.ece_reduction(ours, theirs.iloc[::-1])
    assert found.value == pytest.approx(0.4 - 0.1)
    right = np.array([0, 1, 0, 1], bool), np.ones(4, bool)
    assert found == pytest.approx(
        calibration.ece_difference(*[(np.full(4, 0.9), correct) for correct in right])
    )
