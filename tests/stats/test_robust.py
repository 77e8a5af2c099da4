"""Accuracy within a ball on rows by hand: which images count as broken, and the two worst cases."""

from __future__ import annotations

import math

import pytest

from bounded import EPS, EPS_L2, cell, rows, spec
from robustgen.core.rows import CLEAN
from robustgen.stats.intervals import share
from robustgen.stats.robust import EVERY, WORST, accuracies, compared, wrong_within

FAR = [EPS, 1.01 * EPS, 0.0, 0.5 * EPS]
SCORES = rows(
    cell("eabs", CLEAN, [0, 0, 0.2, 1]),
    cell("eabs", "pgd", [0, 0.6, 0, 1], distance=EPS),
    cell("eabs", "deepfool", [1, 1, 0, 1], eps=math.inf, distance=FAR),
    cell("eabs", "moved", [0, 1, 1, 1], distance=EPS),
    cell("eabs", "ddn", [0, 0, 1, 1], eps=math.inf, distance=[0, 0, 1.4, 0]),
    cell("cnn", CLEAN, [0, 0, 0, 0]),
    cell("cnn", "pgd", [1, 1, 1, 0], distance=EPS),
)
LINF = ("linf", EPS)


def wrong(model: str = "eabs", **options: object) -> dict[tuple[str, float, str], list[float]]:
    found = wrong_within(SCORES, spec("eabs", "cnn", **options))
    return {line: models[model].tolist() for line, models in found.items() if model in models}


def test_a_nearest_image_beyond_the_budget_breaks_nothing() -> None:
    """DeepFool errs on three images, of which one lies 1 % beyond the budget."""
    assert wrong()[(*LINF, "deepfool")] == [1, 0, 0, 1]
    assert wrong()[(*LINF, "pgd")] == [0, 0.6, 0, 1]


def test_the_worst_of_a_norm_leaves_images_of_other_models_out() -> None:
    """clean 0 0 .2 1, pgd 0 .6 0 1, deepfool 1 0 0 1."""
    assert wrong()[(*LINF, WORST)] == [1, 0.6, 0.2, 1]


def test_the_worst_of_all_attacks_takes_both_norms_and_transfer() -> None:
    found = wrong(l2=[EPS_L2])
    assert found["l2", EPS_L2, "ddn"] == [0, 0, 1, 1]
    assert found["l2", EPS_L2, WORST] == [0, 0, 1, 1]
    assert found["", 0.0, EVERY] == [1, 1, 1, 1]
    assert wrong(l2=[1.3])["l2", 1.3, "ddn"] == [0, 0, 0, 1]


def test_a_model_under_one_attack_has_its_worst_case_and_no_other() -> None:
    found = wrong("cnn")
    assert list(found) == [("", 0.0, CLEAN), (*LINF, "pgd"), (*LINF, WORST)]
    assert found[(*LINF, WORST)] == [1, 1, 1, 0]


def test_lines_stand_in_order_of_norm_budget_and_attack() -> None:
    lines = list(wrong_within(SCORES, spec("cnn", "eabs", l2=[EPS_L2])))
    names = [CLEAN, "pgd", "deepfool", "moved", WORST, "ddn", WORST, EVERY]
    assert [attack for *_, attack in lines] == names


def test_accuracy_is_the_mean_share_of_right_draws_with_its_interval() -> None:
    found = accuracies(wrong_within(SCORES, spec("eabs", "cnn")))
    row = found[(found["attack"] == WORST)].iloc[0]
    assert row[["eabs", "eabs_low", "eabs_high"]].tolist() == pytest.approx(share(1.2, 4))
    assert (row["eabs_n"], row["cnn"]) == (4, 1 / 4)


def test_pairs_are_tested_on_worst_cases_by_the_majority_of_draws() -> None:
    """All L_inf: right are eabs 0 0 1 0 and cnn 0 0 0 1; one image each alone, so that p = 1."""
    found = compared(wrong_within(SCORES, spec("eabs", "cnn")))
    (row,) = found[found["attack"] == WORST].to_dict("records")
    assert (row["norm"], row["n"], row["only_first"], row["only_second"]) == ("linf", 4, 1, 1)
    assert (row["difference"], row["p"], row["p_holm"]) == (0, 1, 1)


def test_images_that_an_attack_did_not_meet_are_left_out_of_the_worst_case() -> None:
    few = rows(SCORES, cell("cnn", "deepfool", [0, 0], eps=math.inf))
    found = wrong_within(few, spec("cnn", attacks=("pgd", "deepfool")))
    assert found[(*LINF, WORST)]["cnn"].tolist() == [1, 1]


def test_budgets_are_kept_apart() -> None:
    scores = rows(
        cell("cnn", CLEAN, [0, 0]),
        *(
            cell("cnn", "pgd", wrong, eps=eps)
            for eps, wrong in ((0.1, [0, 1.0]), (0.2, [1.0, 1.0]))
        ),
    )
    found = wrong_within(scores, spec("cnn", attacks=("pgd",)))
    assert {
        line[1]: models["cnn"].tolist() for line, models in found.items() if line[2] == "pgd"
    } == {0.1: [0, 1], 0.2: [1, 1]}


def test_an_attack_without_a_budget_axis_makes_no_budget() -> None:
    scores = rows(cell("cnn", CLEAN, [0]), cell("cnn", "pgd", [1], eps=0.0))
    assert list(wrong_within(scores, spec("cnn", attacks=("pgd",)))) == [("", 0.0, CLEAN)]
