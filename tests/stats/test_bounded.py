"""Accuracy under bounded perturbations, tests of pairs and closest images, on rows by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from robustgen.core.rows import CLEAN, with_axes
from robustgen.stats.bounded import ALL, EVERY, accuracies, blocks, mcnemar, pairs
from robustgen.stats.intervals import share
from robustgen.stats.nearest import closest, summaries, surviving

ENTRY: dict[str, Any] = {"kind": "pgd", "made_on": None, "options": {}}
SPEC: dict[str, Any] = {
    "models": {"a": {"dataset": "digits"}, "b": {"dataset": "digits"}},
    "attacks": {
        "pgd": {**ENTRY, "norm": "linf"},
        "deepfool": {**ENTRY, "norm": "linf"},
        "pgd_l2": {**ENTRY, "norm": "l2"},
    },
}


def cell(
    model: str, attack: str, success: list[float], *, eps: float, linf: Any = 0.0, l2: Any = 0.0
) -> pd.DataFrame:
    frame = pd.DataFrame({"index": range(len(success)), "success": success})
    return frame.assign(model=model, attack=attack, eps=eps, linf=linf, l2=l2, seed=0, split="test")


def rows(*cells: pd.DataFrame) -> pd.DataFrame:
    return with_axes(pd.concat(cells, ignore_index=True), ("eps",))


SCORES = rows(
    cell("a", CLEAN, [0, 0, 0, 1], eps=0.0),
    cell("a", "pgd", [1, 0, 0, 1], eps=0.3),
    cell("a", "deepfool", [1, 1, 1, 1], eps=np.inf, linf=[0.1, 0.3, 0.5, 0.0]),
    cell("a", "pgd_l2", [0, 0, 1, 1], eps=1.5),
    cell("b", CLEAN, [0, 0, 0, 0], eps=0.0),
    cell("b", "pgd", [0, 0.4, 0, 0], eps=0.3),
    cell("b", "deepfool", [0, 1, 0, 0], eps=np.inf, linf=[0.0, 0.9, 0.0, 0.0]),
    cell("b", "pgd_l2", [0, 0, 0, 0.5], eps=1.5),
)


def test_a_nearest_image_counts_where_it_lies_within_the_budget() -> None:
    """DeepFool's distances for a are 0.1, 0.3, 0.5 and 0: within 0.3 are three, so 1 of 4 is
    right; the worst of PGD and DeepFool leaves image 2 alone; in both norms no image.
    """
    found = accuracies(SCORES, SPEC).set_index(["model", "norm", "attack"])["accuracy"]
    assert found["a", "linf", "pgd"] == pytest.approx(2 / 4)
    assert found["a", "linf", "deepfool"] == pytest.approx(1 / 4)
    assert found["a", "linf", ALL] == pytest.approx(1 / 4)
    assert found["a", "l2", ALL] == pytest.approx(2 / 4)
    assert found["a", "both", EVERY] == 0


def test_shares_of_draws_are_averaged_and_bounded_as_shares() -> None:
    found = accuracies(SCORES, SPEC).set_index(["model", "norm", "attack"])
    row = found.loc[("b", "linf", "pgd")]
    assert row["accuracy"] == pytest.approx(3.6 / 4)
    assert (row["accuracy_low"], row["accuracy_high"]) == share(3.6, 4)[1:]
    assert row["n"] == 4


def test_mcnemar_is_the_binomial_test_of_the_images_that_differ() -> None:
    """First alone right on 6 images, second alone on 1: p = 2 (C(7,0) + C(7,1)) / 2^7 = 1/8."""
    first = pd.Series([False] * 6 + [True] + [False] * 3)
    second = pd.Series([True] * 6 + [False] + [False] * 3)
    found = mcnemar(first, second)
    assert (found["first_alone"], found["second_alone"], found["n"]) == (6, 1, 10)
    assert found["p"] == pytest.approx(16 / 128)
    assert mcnemar(first, first)["p"] == 1


def test_half_of_the_draws_wrong_is_wrong_in_a_test_of_a_pair() -> None:
    """Under L_2: a is wrong on images 2 and 3; b on image 3, where half of its draws are."""
    (block,) = [block for block in blocks(SCORES, SPEC) if block.norm == "l2"]
    (test,) = pairs(block).itertuples()
    assert (test.first, test.second) == ("a", "b")
    assert (test.first_alone, test.second_alone) == (0, 1)
    assert test.p_holm == test.p == 1


def test_the_closest_image_is_that_of_the_smallest_distance_that_fools() -> None:
    """Image 0 falls at 0.2 (distance 0.18) and 0.3 (0.29); 1 at 0.3 alone; 2 never; 3 is wrong
    when clean. Capped at 0.3 the mean is (0.18 + 0.29 + 0.3 + 0) / 4.
    """
    scores = rows(
        cell("a", CLEAN, [0, 0, 0, 1], eps=0.0),
        cell("a", "pgd", [1, 0, 0, 1], eps=0.2, linf=[0.18, 0.2, 0.2, 0.2]),
        cell("a", "pgd", [1, 1, 0.4, 1], eps=0.3, linf=[0.29, 0.29, 0.3, 0.3]),
    )
    spec = {"models": {"a": {"dataset": "digits"}}, "attacks": {"pgd": SPEC["attacks"]["pgd"]}}
    found = closest(scores, spec)
    assert found["distance"].tolist() == [0.18, 0.29, np.inf, 0.0]
    (told,) = summaries(found).itertuples()
    assert told.mean == pytest.approx((0.18 + 0.29 + 0.3) / 4)
    assert told.median == pytest.approx((0.18 + 0.29) / 2)
    assert told.never == 1 / 4
    assert told.mean_low <= told.mean <= told.mean_high
    assert surviving(found, np.array([0.0, 0.18, 0.25])).tolist() == [0.75, 0.5, 0.5]
