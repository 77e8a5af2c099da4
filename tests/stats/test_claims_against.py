"""Claims: held against another net, another attack or a part of the model."""

import json
from typing import Any

import pytest

from cells import CLEAN_ENERGIES, cell, clean, joined
from claiming import PAIR, claim, judged, net
from robustgen.stats.claims import NOT_TESTED, REPRODUCED
from robustgen.stats.rules import Against, Claim


def against_family(**others: Any) -> Claim:
    plain = {
        "family": "adversarial",
        "against": Against(family="standard", same=("dataset", "kind", "options")),
        "statistic": "accuracy_difference",
        "direction": "above",
    }
    return claim(**{**plain, **others})


WRONG = [True] * 4


def test_a_net_is_judged_against_its_twin_under_the_same_attack_at_the_same_budget() -> None:
    weak = [
        cell(CLEAN_ENERGIES, eps=0.1, success=WRONG),
        cell(CLEAN_ENERGIES, eps=0.2, success=[True, True, False, False]),
    ]
    strong = [
        cell(CLEAN_ENERGIES, model="robust", eps=eps, success=[False] * 4) for eps in (0.1, 0.2)
    ]
    found = judged(against_family(), joined(clean(), clean(model="robust"), *weak, *strong), **PAIR)
    assert [(one["model"], one["axes"]["eps"], one["value"]) for one in found] == [
        ("robust", 0.1, 1.0),
        ("robust", 0.2, 0.5),
    ]
    assert found[0]["why"] == "interval over images, held against plain"


def test_a_claim_on_clean_images_is_judged_without_any_attack() -> None:
    n = 400
    frame = joined(
        clean([0.0] * n),
        clean([0.0] * n, model="robust").assign(success=[True] * 40 + [False] * 360),
    )
    (found,) = judged(against_family(attack="clean", direction="below"), frame, **PAIR)
    assert (found["axes"], found["n"], found["value"], found["verdict"]) == (
        {},
        n,
        -0.1,
        REPRODUCED,
    )


def test_every_robust_net_gets_its_own_verdict() -> None:
    frame = joined(*[clean(model=name) for name in ("plain", "robust", "quasi")])
    found = judged(against_family(attack="clean"), frame, **PAIR, quasi=net("adversarial"))
    assert [one["model"] for one in found] == ["robust", "quasi"]


@pytest.mark.parametrize(
    "other",
    [{"dataset": "signs"}, {"kind": "cnn"}, {"options": {"width": 8}}, {"family": "gaussian"}],
)
def test_a_net_that_differs_in_more_than_its_training_is_no_twin(other: dict[str, Any]) -> None:
    frame = joined(clean(), clean(model="robust"))
    (found,) = judged(
        against_family(attack="clean"), frame, plain=net(**other), robust=net("adversarial")
    )
    why = "the study has no net of family standard with the same dataset, kind, options as robust"
    assert (found["verdict"], found["why"], found["value"]) == (NOT_TESTED, why, None)


def test_of_several_twins_the_first_with_rows_is_taken_and_named() -> None:
    frame = joined(clean(), clean(model="robust"))
    (found,) = judged(against_family(attack="clean"), frame, absent=net(), **PAIR)
    assert found["why"] == "interval over images, held against plain"


def test_a_twin_without_rows_is_named() -> None:
    (found,) = judged(
        against_family(),
        joined(clean(model="robust"), cell(CLEAN_ENERGIES, model="robust")),
        **PAIR,
    )
    assert (found["verdict"], found["why"]) == (
        NOT_TESTED,
        ("no rows of plain under pgd at this budget"),
    )


def test_repetitions_are_paired_and_those_of_one_side_alone_left_out() -> None:
    lone = joined(*[clean(model="robust", seed=seed) for seed in (0, 1)], clean(seed=1))
    (found,) = judged(against_family(attack="clean"), lone, **PAIR)
    assert (found["why"], found["seeds"]) == ("interval over images, held against plain", 1)
    (found,) = judged(
        against_family(attack="clean"),
        joined(clean(seed=2), clean(model="robust", seed=1)),
        **PAIR,
    )
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "no repetition that both sides have")


def test_where_nothing_is_misclassified_nothing_is_said_of_errors() -> None:
    rule = claim(attack="apgd", statistic="errors_left_clean", direction="above", margin=0.95)
    (found,) = judged(rule, joined(clean(), cell(CLEAN_ENERGIES, attack="apgd").assign(linf=0.0)))
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "no clean image is misclassified")


# --- at which setting -----------------------------------------------------------------------------


def test_a_rival_is_taken_at_the_same_setting_or_at_its_plainest() -> None:
    """The rival sweeps lambda 0 and 1; ours has 1 and 2, which the rival lacks."""
    rival = [
        cell([0.0] * 4, success=[fooled] * 4).assign(lambda_=lambda_)
        for lambda_, fooled in ((0.0, False), (1.0, True))
    ]
    ours = [cell([0.0] * 4, attack="he_pgd").assign(lambda_=lambda_) for lambda_ in (1.0, 2.0)]
    rule = claim(attack="he_pgd", against=Against("pgd"), statistic="success_difference")
    found = judged(rule, joined(clean(), *rival, *ours))
    assert [(one["axes"]["lambda_"], one["value"]) for one in found] == [(1.0, 0.0), (2.0, 1.0)]


def test_an_axis_of_another_attack_is_a_name_of_its_cells() -> None:
    shifts = [
        cell(CLEAN_ENERGIES, attack="shift").assign(corruption=name, severity=2)
        for name in ("blur", "fog")
    ]
    frame = joined(clean().assign(corruption="", severity=0), *shifts)
    frame.attrs["axes"] = ["eps", "steps", "lambda_", "corruption", "severity"]
    found = judged(claim(attack="shift"), frame)
    axes = [one["axes"] for one in json.loads(json.dumps(found))]
    # not lambda, which no row has
    assert axes == [{"eps": 0.1, "corruption": name, "severity": 2} for name in ("blur", "fog")]


# --- held against a part of the model -------------------------------------------------------------


def test_a_model_is_judged_against_the_part_that_it_is_made_of() -> None:
    """Both under the same attack at the same budget; a model without that part is not tested."""
    rule = claim(
        family="defended",
        against=Against(part="base"),
        statistic="accuracy_difference",
        direction="above",
        margin=0.5,
    )
    weak, strong = cell(CLEAN_ENERGIES), cell(CLEAN_ENERGIES, model="around", success=[False] * 4)
    frame = joined(clean(), clean(model="around"), weak, strong)
    models = {"plain": net(), "around": net("defended", parts={"base": "plain"})}
    (found,) = judged(rule, frame, **models)
    assert found["value"] == 1.0
    assert found["why"] == "interval over images, held against plain"
    (found,) = judged(rule, frame, **models | {"around": net("defended", parts={})})
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "the model has no part base")
