"""Statistics of claims on inversion, on rows by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from inversions import rows
from robustgen.stats import statistics_inversion as of
from robustgen.stats.intervals import mean, paired_share_difference
from robustgen.stats.rules import NotMeasured
from tables.test_inversion_tables import between, sets

LOST, KEPT = [True, True, False, False], [False] * 4
GRID = pd.concat(
    [
        rows("m", LOST, lambda_=0.1, inside=10.0),
        rows("m", KEPT, lambda_=1.0, inside=12.0),
        rows("m", KEPT, lambda_=10.0, inside=15.0),
        rows("m", [True] * 4, lambda_=0.1, plus=True, inside=8.0),
    ]
)


def cell(lambda_: float, *, plus: bool = False) -> pd.DataFrame:
    return GRID[(GRID["lambda_"] == lambda_) & (GRID["plus"] == plus)]


def test_a_weight_is_held_against_the_next_larger_one() -> None:
    expected = paired_share_difference(np.zeros(4), np.array(LOST, float))
    assert of.error_change_with_lambda(cell(0.1), GRID) == expected
    assert of.distance_change_with_lambda(cell(1.0), GRID).value == pytest.approx(3.0)
    for statistic in (of.error_change_with_lambda, of.distance_change_with_lambda):
        with pytest.raises(NotMeasured, match="no larger lambda"):
            statistic(cell(10.0), GRID)
        with pytest.raises(NotMeasured, match="no larger lambda"):
            statistic(cell(0.1, plus=True), GRID)


def test_further_codes_are_held_against_none_at_the_same_weight() -> None:
    found = of.error_change_with_codes(cell(0.1, plus=True), GRID)
    assert found == paired_share_difference(np.ones(4), np.array(LOST, float))
    assert of.distance_change_with_codes(cell(0.1, plus=True), GRID).value == pytest.approx(-2.0)
    with pytest.raises(NotMeasured, match="without further codes"):
        of.error_change_with_codes(cell(0.1), GRID)


def test_the_most_steps_are_held_against_the_fewest() -> None:
    swept = pd.concat([rows("m", KEPT, steps=5, inside=9.0), rows("m", LOST, steps=50, inside=4.0)])
    found = of.error_change_with_steps(swept, swept)
    assert found == paired_share_difference(np.array(LOST, float), np.zeros(4))
    assert of.distance_change_with_steps(swept, swept).value == pytest.approx(-5.0)
    relative = of.relative_distance_change_with_steps(swept, swept)
    assert relative == pytest.approx((4 / 9 - 1,) * 3)  # the same for every image
    with pytest.raises(NotMeasured, match="one number of steps"):
        of.error_change_with_steps(swept[swept["steps"] == 5], swept)


def test_two_methods_are_paired_by_image() -> None:
    mine, theirs = rows("m", KEPT), rows("other", LOST)
    expected = paired_share_difference(np.zeros(4), np.array(LOST, float))
    assert of.error_difference(mine, theirs) == expected
    apart = theirs.assign(index=theirs["index"] + 100)
    with pytest.raises(NotMeasured, match="no image"):
        of.error_difference(mine, apart)


def test_gaps_are_averaged_over_classes_and_paired_by_class() -> None:
    both = pd.concat([sets("m", [5.0, 6.0, 7.0], lambda_=0.1), sets("m", [1.0, 1.0, 4.0])])
    part = both[both["lambda_"] == 0.1]
    assert of.fid_gap(part, both) == mean([5.0, 6.0, 7.0])
    assert of.fid_gap_change_with_lambda(part, both) == mean([-4.0, -5.0, -3.0])


def test_the_middle_of_a_line_against_its_ends_and_other_classes() -> None:
    """Ends are 10, ..., 13, the middle 30 and other classes 20: the middle lies 17 to 20 higher.
    Half as high a middle has a ratio of 0.75 in the place of 1.5.
    """
    vgg, robust = between("m", "VGG", 30.0), between("r", "Robust", 15.0)
    assert of.middle_over_ends(vgg, vgg).value == pytest.approx(30 - 11.5)
    found = of.middle_over_other_classes(robust, vgg)
    assert found.value == pytest.approx(-0.75)
    assert found.high <= -0.7
