"""Rates of detectors: which images they are taken over, and their intervals over seeds."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from repeated import shares
from robustgen.core.rows import with_axes
from robustgen.stats import detection, intervals, views

AXES = {"dataset": "digits", "model": "plain", "detector": "energy"}
CELL_AXES = ("eps", "steps", "lambda_")


def statistic(
    attack: str, values: list[float], success: Sequence[float], *, seed: int = 0, eps: float = 0.1
) -> pd.DataFrame:
    clean_cell = attack == "clean"
    frame = pd.DataFrame({"index": range(len(values)), "statistic": values, "success": success})
    frame = frame.assign(
        **AXES,
        attack=attack,
        seed=seed,
        eps=0.0 if clean_cell else eps,
        steps=0 if clean_cell else 5,
        lambda_=0.0,
        variant="T = 1",
    )
    return with_axes(frame, CELL_AXES)


def threshold(value: float, seed: int = 0) -> pd.DataFrame:
    choice = {
        "protocol": "sound",
        "rule": "fpr",
        "shown": "all",
        "variant": "T = 1",
        "threshold": value,
        "why": "",
    }
    cell = {"attack": "pgd", "seed": seed, "eps": 0.1, "steps": 5, "lambda_": 0.0}
    return with_axes(pd.DataFrame([{**AXES, **cell, **choice}]), CELL_AXES)


CLEAN_VALUES, CLEAN_WRONG = [0.0, 1.0, 2.0, 3.0, 4.0], [False, False, False, False, True]
PGD_VALUES, FOOLED = [1.0, 5.0, 3.0, 2.5, 9.0], [True, True, False, True, True]


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def planted(seed: int = 0) -> pd.DataFrame:
    return joined(
        statistic("pgd", PGD_VALUES, FOOLED, seed=seed),
        statistic("clean", CLEAN_VALUES, CLEAN_WRONG, seed=seed),
    )


def view(found: pd.DataFrame, name: str) -> pd.Series:
    (row,) = (row for _, row in found[found["view"] == name].iterrows())
    return row


def bounds(row: pd.Series, name: str) -> tuple[float, float, float]:
    return row[name], row[f"{name}_low"], row[f"{name}_high"]


def test_all_attacked_images_are_rated_against_all_clean_ones() -> None:
    row = view(detection.summarise(planted(), threshold(3.0)), "all")
    assert (row["n"], row["n_clean"], row["seeds"], row["over"]) == (5, 5, 1, "images")
    assert bounds(row, "dr") == intervals.share(3, 5)  # 5, 3 and 9; at the threshold is flagged
    assert bounds(row, "fpr") == intervals.share(2, 5)  # 3 and 4
    assert bounds(row, "auroc") == intervals.auroc(np.array(PGD_VALUES), np.array(CLEAN_VALUES))
    assert row["threshold"] == 3.0


def test_fooled_images_that_were_right_are_rated_against_clean_images_that_are_right() -> None:
    row = view(detection.summarise(planted(), threshold(3.0)), "successful")
    # images 0, 1 and 3; image 2 was not fooled, image 4 was wrong before
    assert (row["n"], row["n_clean"]) == (3, 4)
    assert bounds(row, "dr") == intervals.share(1, 3)
    assert bounds(row, "fpr") == intervals.share(1, 4)
    assert row["auroc"] == pytest.approx((1.5 + 4 + 3) / 12)


def test_attacked_images_that_do_not_fool_are_rated_against_the_same_clean_ones() -> None:
    row = view(detection.summarise(planted(), threshold(3.0)), "failed")
    # image 2, which reaches 3; image 4 was wrong before
    assert (row["n"], row["n_clean"]) == (1, 4)
    assert bounds(row, "dr") == intervals.share(1, 1)
    assert bounds(row, "fpr") == intervals.share(1, 4)
    assert row["auroc"] == pytest.approx((3 + 0.5) / 4)
    assert bounds(row, "fooled") == intervals.share(3, 4)  # of the view's clean images


def test_a_share_of_draws_of_at_least_a_half_counts_as_fooled() -> None:
    """Of a randomised net: means over draws, which sums take as they are."""
    soft = statistic("pgd", PGD_VALUES, [0.75, 0.5, 0.25, 1.0, 1.0])
    clean = statistic("clean", CLEAN_VALUES, [0.0, 0.25, 0.0, 0.0, 0.75])
    found = detection.summarise(joined(soft, clean), threshold(3.0))
    assert [view(found, name)["n"] for name in views.VIEWS] == [5, 3, 1]
    assert view(found, "successful")["fooled"] == pytest.approx((0.75 + 0.5 + 0.25 + 1.0) / 4)
    assert view(found, "successful")["joint"] == pytest.approx((0.75 + 1.0) / 4)  # below 3


def test_joint_success_is_fooled_and_not_flagged_out_of_clean_images() -> None:
    found = detection.summarise(planted(), threshold(3.0))
    # images 0 and 3 fool the net below 3
    assert bounds(view(found, "all"), "joint") == intervals.share(2, 5)
    assert bounds(view(found, "successful"), "joint") == intervals.share(2, 4)
    assert bounds(view(found, "successful"), "fooled") == intervals.share(3, 4)


def test_a_detector_that_was_not_fitted_has_no_row() -> None:
    lost = threshold(3.0).assign(detector="lid", why="too few images")
    assert set(detection.summarise(planted(), joined(threshold(3.0), lost))["detector"]) == {
        "energy"
    }
    assert set(
        detection.headline(joined(threshold(3.0), lost, threshold(1.0).assign(shown="")))[
            "detector"
        ]
    ) == {"energy", "lid"}


def test_of_several_attacks_each_image_falls_to_the_one_that_gets_through() -> None:
    other = statistic("he_pgd", [9.0, 9.0, 1.0, 9.0, 1.0], [True, True, True, True, True])
    limits = joined(threshold(3.0), threshold(3.0).assign(attack="he_pgd"))
    (row,) = (
        one for _, one in detection.united(joined(planted(), other), limits, name="any").iterrows()
    )
    # images 0, 1 and 3 by both, 2 by he_pgd; 4 was wrong before
    assert bounds(row, "fooled") == intervals.share(4, 4)
    # 0 and 3 by pgd, 2 by he_pgd; 1 is flagged under both
    assert bounds(row, "joint") == intervals.share(3, 4)
    assert (row["attack"], row["eps"], row["n"], row["over"]) == ("any", 0.1, 4, "images")


def test_an_attack_of_fewer_images_is_rated_on_those() -> None:
    """PGD is made on images 0 to 2 alone, of which it fools 0 and 1."""
    rows = planted()
    few = rows[(rows["attack"] == "clean") | (rows["index"] < 3)]
    row = view(detection.summarise(few, threshold(3.0)), "successful")
    assert bounds(row, "fooled") == intervals.share(2, 3)
    assert bounds(row, "joint") == intervals.share(1, 3)  # image 1 is flagged
    assert (row["n"], row["n_clean"]) == (2, 4)
    other = statistic("he_pgd", [9.0, 9.0, 1.0, 9.0, 1.0], [True, True, False, True, True])
    limits = joined(threshold(3.0), threshold(3.0).assign(attack="he_pgd"))
    (row,) = (one for _, one in detection.united(joined(few, other), limits, name="any").iterrows())
    assert bounds(row, "fooled") == intervals.share(2, 3)
    apart = other[other["index"] > 2]
    assert detection.united(joined(few, apart), limits, name="any").empty


def test_a_view_without_images_is_left_out() -> None:
    never = joined(
        statistic("pgd", PGD_VALUES, [False] * 5), statistic("clean", CLEAN_VALUES, CLEAN_WRONG)
    )
    assert detection.summarise(never, threshold(3.0))["view"].tolist() == ["all", "failed"]
    always = joined(
        statistic("pgd", PGD_VALUES, [True] * 5), statistic("clean", CLEAN_VALUES, CLEAN_WRONG)
    )
    assert detection.summarise(always, threshold(3.0))["view"].tolist() == ["all", "successful"]


def test_several_seeds_are_summarised_over_seeds_each_at_its_own_threshold() -> None:
    frame = joined(planted(0), planted(1), planted(2))
    limits = joined(threshold(3.0, 0), threshold(5.0, 1), threshold(2.0, 2))
    row = view(detection.summarise(frame, limits), "all")
    assert (row["seeds"], row["n"]) == (3, 5)  # the same images for each
    assert row["over"].startswith("3 seeds (of shares Korn and Graubard's")
    assert bounds(row, "dr") == pytest.approx(shares(3, 2, 4, n=5))
    assert bounds(row, "fpr") == pytest.approx(shares(2, 0, 3, n=5))
    assert row["threshold"] == pytest.approx(10 / 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_full_summary_is_scikit_learns_whatever_the_precision_of_the_statistic(
    dtype: type,
) -> None:
    from sklearn.metrics import average_precision_score

    frame = planted().astype({"statistic": dtype})
    row = view(detection.summarise(frame, threshold(3.0), full=True), "all")
    expected = average_precision_score([1] * 5 + [0] * 5, PGD_VALUES + CLEAN_VALUES)
    assert row["aupr"] == pytest.approx(expected)
    # all five attacked reach 1, and so do four clean ones
    assert row["fpr95"] == pytest.approx(0.8)


def test_cells_are_not_mixed() -> None:
    other = statistic("pgd", [100.0] * 5, [True] * 5, eps=0.2)
    mixed = joined(planted(), other)
    for name, one in itertools.product(("all", "successful"), (planted(), mixed)):
        assert (
            bounds(view(detection.summarise(one, threshold(3.0)), name), "dr")[0]
            == {"all": 0.6, "successful": 1 / 3}[name]
        )
