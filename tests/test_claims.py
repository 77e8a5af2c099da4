"""Claims: their statistics on rows by hand, their verdicts, their file."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from robustgen.core.files import BadFile
from robustgen.stats import claims, intervals
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, Claim
from robustgen.stats.intervals import Interval

settings.load_profile("ci")  # no deadline, same examples in every run

CLAIMS = Path(__file__).resolve().parents[1] / "config" / "claims.yaml"

# --- claims: statistics on rows by hand --------------------------------------------------------------------------

NATURAL = [-1.0, -2.0, -3.0, -4.0]


def cell(
    energies: list[float],
    *,
    attack: str = "pgd",
    steps: int = 5,
    eps: float = 0.1,
    seed: int = 0,
    success: list[bool] | None = None,
    model: str = "plain",
    dataset: str = "digits",
) -> pd.DataFrame:
    n = len(energies)
    frame = pd.DataFrame({"index": range(n), "energy": energies, "success": success or [True] * n})
    return frame.assign(attack=attack, steps=steps, eps=eps, seed=seed, model=model, dataset=dataset, weight=0.0, split="test")


def natural(energies: list[float] = NATURAL, **axes: Any) -> pd.DataFrame:
    return cell(energies, attack="clean", steps=0, eps=0.0, success=[False] * len(energies), **axes)


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def test_energy_change_is_the_mean_paired_difference_at_the_last_step() -> None:
    part = joined(cell([9.0] * 4, steps=2), cell([-2.0, -4.0, -6.0, -8.0]).iloc[::-1])  # rows in another order
    assert claims.energy_change(part, natural()) == pytest.approx(intervals.mean([-1.0, -2.0, -3.0, -4.0]))


def test_the_largest_rise_is_over_consecutive_positive_step_counts() -> None:
    steps = {0: [50.0] * 4, 2: [0.0, 1.0, 2.0, 3.0], 5: [-3.0, -2.5, -1.0, 0.5], 10: [-3.5, -2.0, -2.0, -1.0]}
    part = joined(*[cell(energies, steps=count) for count, energies in steps.items()])
    rises = [np.array(steps[5]) - steps[2], np.array(steps[10]) - steps[5]]
    assert claims.largest_rise_between_steps(part, natural()) == pytest.approx(max(map(intervals.mean, rises)))
    assert claims.largest_rise_between_steps(part, natural()).value == pytest.approx(-0.625)


def test_auroc_of_a_claim_is_of_minus_the_energy() -> None:
    found = claims.auroc(joined(cell([5.0] * 4, steps=2), cell([-9.0, -2.5, -1.5, 7.0])), natural())
    assert found.value == pytest.approx((4 + 2 + 1 + 0) / 16)


def test_success_difference_is_paired_by_image() -> None:
    ours = cell([0.0] * 4, attack="he_pgd", success=[True, True, False, True])
    theirs = cell([0.0] * 4, success=[False, True, True, True]).iloc[::-1]
    expected = intervals.paired_share_difference(np.array([1, 1, 0, 1], bool), np.array([0, 1, 1, 1], bool))
    assert claims.success_difference(ours, theirs) == expected
    assert expected.value == 0


def test_drift_ratio_is_that_of_the_mean_changes_between_first_and_last_positive_step() -> None:
    ours = joined(cell([90.0] * 4, steps=0), cell([1.0, 2.0, 3.0, 4.0], steps=2), cell([0.5, 1.5, 2.5, 3.5], steps=9))
    theirs = joined(cell([-90.0] * 4, steps=0), cell([1.0, 2.0, 3.0, 4.0], steps=2), cell([-3.0, -2.0, -1.0, 0.0], steps=9))
    assert claims.drift_ratio(ours, theirs) == pytest.approx((0.125, 0.125, 0.125))


# --- claims: verdicts --------------------------------------------------------------------------------------------


def claim(**others: Any) -> Claim:
    plain: dict[str, Any] = {
        "id": "falls",
        "work": "w",
        "place": "p",
        "sentence": "s",
        "objective": "standard",
        "attack": "pgd",
        "statistic": "energy_change",
        "direction": "below",
        "margin": 0.0,
        "min_n": 4,
    }
    return Claim(**{**plain, **others})


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("above", 0.6, 0.9, REPRODUCED),
        ("above", 0.4, 0.6, INCONCLUSIVE),
        ("above", 0.1, 0.4, NOT_REPRODUCED),
        ("above", 0.1, 0.5, NOT_REPRODUCED),  # at the margin is not above it
        ("above", 0.5, 0.9, INCONCLUSIVE),
        ("below", 0.1, 0.4, REPRODUCED),
        ("below", 0.4, 0.6, INCONCLUSIVE),
        ("below", 0.6, 0.9, NOT_REPRODUCED),
        ("below", 0.5, 0.9, NOT_REPRODUCED),
        ("below", -math.inf, math.inf, INCONCLUSIVE),
    ],
)
def test_a_claim_is_decided_by_the_whole_interval(direction: str, low: float, high: float, verdict: str) -> None:
    found = claims._decide(claim(direction=direction, margin=0.5), Interval((low + high) / 2, low, high))
    assert found == verdict


def rows(shift: float = -5.0, success: list[bool] | None = None, **axes: Any) -> pd.DataFrame:
    """Natural images and the same ones attacked, `shift` and a little noise below."""
    energies = [energy + shift + noise for energy, noise in zip(NATURAL, (0.1, -0.1, 0.2, 0.0), strict=True)]
    return joined(natural(**axes), cell(energies, success=success, **axes))


def judged(rule: Claim, frame: pd.DataFrame, **objectives: str) -> list[dict[str, Any]]:
    return claims.judge(rule, frame, objectives or {"plain": "standard"})


@pytest.mark.parametrize(("shift", "verdict"), [(-5, REPRODUCED), (5, NOT_REPRODUCED), (-0.05, INCONCLUSIVE)])
def test_each_verdict_is_given_where_the_rows_ask_for_it(shift: float, verdict: str) -> None:
    (found,) = judged(claim(), rows(shift))
    assert found["verdict"] == verdict
    assert (found["dataset"], found["model"], found["eps"], found["n"], found["seeds"]) == ("digits", "plain", 0.1, 4, 1)
    assert found["value"] == pytest.approx(shift + 0.05)
    assert found["why"] == "interval over images"


def test_too_few_images_are_not_tested_and_the_rule_is_told() -> None:
    (found,) = judged(claim(min_n=5), rows())
    assert (found["verdict"], found["why"], found["value"]) == (NOT_TESTED, "4 images, the rule asks for 5", None)


def test_an_attack_that_fools_too_seldom_is_not_tested_and_the_rule_is_told() -> None:
    (found,) = judged(claim(min_success=0.95), rows(success=[True, True, True, False]))
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "the attack fools 75.0%, the rule asks for 95%")


def test_an_attack_held_against_that_fools_too_seldom_is_not_tested_either() -> None:
    weak = cell(NATURAL, success=[True, True, True, False])
    strong = cell(NATURAL, attack="he_pgd")
    rule = claim(attack="he_pgd", against="pgd", statistic="success_difference", min_success=0.95)
    (found,) = judged(rule, joined(natural(), weak, strong))
    assert found["verdict"] == NOT_TESTED


def test_a_data_set_that_cannot_show_it_is_not_tested_for_the_reason_given_beforehand() -> None:
    (found,) = judged(claim(not_tested={"digits": "too easy"}), rows())
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "too easy")


def test_a_missing_attack_held_against_is_not_tested() -> None:
    (found,) = judged(claim(against="apgd"), rows())
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "no rows of apgd at this budget")


def test_only_nets_trained_as_the_claim_says_are_judged() -> None:
    frame = joined(rows(), rows(model="robust"))
    assert [found["model"] for found in judged(claim(), frame, plain="standard", robust="adversarial")] == ["plain"]


def test_each_budget_is_judged_against_the_same_budget() -> None:
    other = joined(*[cell(NATURAL, attack="he_pgd", eps=eps) for eps in (0.1, 0.2)])
    weak = cell(NATURAL, eps=0.1, success=[False] * 4)
    strong = cell(NATURAL, eps=0.2)
    rule = claim(attack="he_pgd", against="pgd", statistic="success_difference", direction="above", margin=-0.02)
    found = judged(rule, joined(natural(), other, weak, strong))
    assert [(one["eps"], one["value"]) for one in found] == [(0.1, 1.0), (0.2, 0.0)]


def test_several_seeds_are_judged_over_seeds_each_against_its_own_rows() -> None:
    frame = joined(rows(-5.0), rows(-6.0, seed=1), rows(-7.0, seed=2))
    (found,) = judged(claim(), frame)
    expected = intervals.mean([-4.95, -5.95, -6.95])
    assert (found["seeds"], found["why"], found["verdict"]) == (3, "interval over 3 seeds", REPRODUCED)
    assert (found["value"], found["low"], found["high"]) == pytest.approx(expected)


def test_a_sweep_over_lambda_is_not_taken_for_more_images() -> None:
    """The interval of four images under two lambdas is never that of eight images."""
    weights = [rows(shift).assign(weight=weight) for shift, weight in ((-5.0, 1.0), (-5.2, 1.2))]
    alone = [(found["low"], found["high"]) for frame in weights for found in judged(claim(), frame)]
    together = joined(natural(), *[frame[frame["attack"] == "pgd"] for frame in weights])
    assert [(found["low"], found["high"]) for found in judged(claim(), together)] == [pytest.approx(one) for one in alone]


def test_no_rows_are_no_verdict() -> None:
    assert judged(claim(), pd.DataFrame()) == []


# --- claims: the file --------------------------------------------------------------------------------------------


def test_the_claims_of_the_study_are_read_once_each() -> None:
    found = claims.read(CLAIMS)
    assert len({one.id for one in found}) == len(found) > 0
    assert all(one.min_n > 0 and one.sentence.endswith(".") for one in found)
    assert {one.statistic for one in found} <= set(claims.STATISTICS)


ENTRY = (
    "- {id: a, work: w, place: p, sentence: s, objective: standard, attack: pgd, statistic: auroc, direction: above, "
    "margin: 0, min_n: 1}\n"
)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("margin: 0, ", "", "a claim has a wrong or missing key .*margin"),
        ("margin: 0", "margin: 0, marign: 1", "a claim has a wrong or missing key .*marign"),
        ("statistic: auroc", "statistic: aurok", "claim a needs a statistic of energy_change, .* and above or below"),
        ("direction: above", "direction: over", "claim a needs a statistic of .* and above or below"),
        (ENTRY, "a sentence\n", "a claim has a wrong or missing key"),
    ],
)
def test_a_claim_that_is_none_is_refused_with_the_file(before: str, after: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(ENTRY, encoding="utf-8")
    assert claims.read(path)[0].margin == 0
    path.write_text(ENTRY.replace(before, after), encoding="utf-8")
    with pytest.raises(BadFile, match=f"mine.yaml: {said}"):
        claims.read(path)
