"""Claims: their verdicts, their file."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judge_claims
from cells import CLEAN_ENERGIES, cell, clean, joined
from robustgen.core.files import BadFile, read_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import write_rows
from robustgen.stats import claims, intervals, named
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from robustgen.stats.intervals import Interval
from robustgen.stats.rules import Against, Claim, read

CLAIMS = Path(__file__).resolve().parents[2] / "config" / "claims.yaml"

# --- claims: verdicts
# --------------------------------------------------------------------------------------------


def claim(**others: Any) -> Claim:
    plain: dict[str, Any] = {
        "id": "falls",
        "work": "w",
        "place": "p",
        "sentence": "s",
        "family": "standard",
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
def test_a_claim_is_decided_by_the_whole_interval(
    direction: str, low: float, high: float, verdict: str
) -> None:
    found = claims._decide(
        claim(direction=direction, margin=0.5), Interval((low + high) / 2, low, high)
    )
    assert found == verdict


def rows(shift: float = -5.0, success: list[bool] | None = None, **axes: Any) -> pd.DataFrame:
    """Clean images and the same ones attacked, `shift` and a little noise below."""
    energies = [
        energy + shift + noise
        for energy, noise in zip(CLEAN_ENERGIES, (0.1, -0.1, 0.2, 0.0), strict=True)
    ]
    return joined(clean(**axes), cell(energies, success=success, **axes))


def net(family: str = "standard", **others: Any) -> dict[str, Any]:
    return {
        "dataset": "digits",
        "objective": family,
        "family": family,
        "kind": "resnet",
        "options": {"width": 16},
        **others,
    }


def judged(rule: Claim, frame: pd.DataFrame, **models: dict[str, Any]) -> list[dict[str, Any]]:
    return claims.judge(rule, frame, models or {"plain": net()})


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-5, REPRODUCED), (5, NOT_REPRODUCED), (-0.05, INCONCLUSIVE)]
)
def test_each_verdict_is_given_where_the_rows_ask_for_it(shift: float, verdict: str) -> None:
    (found,) = judged(claim(), rows(shift))
    assert found["verdict"] == verdict
    assert (found["dataset"], found["model"], found["axes"]["eps"], found["n"], found["seeds"]) == (
        "digits",
        "plain",
        0.1,
        4,
        1,
    )
    assert found["value"] == pytest.approx(shift + 0.05)
    assert found["why"] == "interval over images"


def test_too_few_images_are_not_tested_and_the_rule_is_told() -> None:
    (found,) = judged(claim(min_n=5), rows())
    assert (found["verdict"], found["why"], found["value"]) == (
        NOT_TESTED,
        ("4 images, the rule asks for 5"),
        None,
    )


def test_an_attack_that_fools_too_seldom_is_not_tested_and_the_rule_is_told() -> None:
    (found,) = judged(claim(min_success=0.95), rows(success=[True, True, True, False]))
    assert (found["verdict"], found["why"]) == (
        NOT_TESTED,
        ("the attack fools 75.0%, the rule asks for 95%"),
    )


def test_an_attack_held_against_that_fools_too_seldom_is_not_tested_either() -> None:
    weak = cell(CLEAN_ENERGIES, success=[True, True, True, False])
    strong = cell(CLEAN_ENERGIES, attack="he_pgd")
    rule = claim(
        attack="he_pgd", against=Against("pgd"), statistic="success_difference", min_success=0.95
    )
    (found,) = judged(rule, joined(clean(), weak, strong))
    assert found["verdict"] == NOT_TESTED


def test_a_data_set_that_cannot_show_it_is_not_tested_for_the_reason_given_beforehand() -> None:
    (found,) = judged(claim(not_tested={"digits": "too easy"}), rows())
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "too easy")


def test_a_missing_attack_held_against_is_not_tested() -> None:
    (found,) = judged(claim(against=Against("apgd")), rows())
    assert (found["verdict"], found["why"]) == (NOT_TESTED, "no rows of apgd at this budget")


def test_only_nets_trained_as_the_claim_says_are_judged() -> None:
    frame = joined(rows(), rows(model="robust"))
    assert [
        found["model"] for found in judged(claim(), frame, plain=net(), robust=net("adversarial"))
    ] == ["plain"]


def test_each_budget_is_judged_against_the_same_budget() -> None:
    other = joined(*[cell(CLEAN_ENERGIES, attack="he_pgd", eps=eps) for eps in (0.1, 0.2)])
    weak = cell(CLEAN_ENERGIES, eps=0.1, success=[False] * 4)
    strong = cell(CLEAN_ENERGIES, eps=0.2)
    rule = claim(
        attack="he_pgd",
        against=Against("pgd"),
        statistic="success_difference",
        direction="above",
        margin=-0.02,
    )
    found = judged(rule, joined(clean(), other, weak, strong))
    assert [(one["axes"]["eps"], one["value"]) for one in found] == [(0.1, 1.0), (0.2, 0.0)]


def test_several_seeds_are_judged_over_seeds_each_against_its_own_rows() -> None:
    frame = joined(rows(-5.0), rows(-6.0, seed=1), rows(-7.0, seed=2))
    (found,) = judged(claim(), frame)
    expected = intervals.mean([-4.95, -5.95, -6.95])
    assert (found["seeds"], found["verdict"]) == (3, REPRODUCED)
    assert found["why"].startswith(
        "interval over 3 seeds (of shares Korn and Graubard's, else Student's"
    )
    assert (found["value"], found["low"], found["high"]) == pytest.approx(expected)


def test_a_sweep_over_lambda_is_not_taken_for_more_images() -> None:
    """The interval of four images under two lambdas is never that of eight images."""
    weights = [rows(shift).assign(lambda_=weight) for shift, weight in ((-5.0, 1.0), (-5.2, 1.2))]
    alone = [(found["low"], found["high"]) for frame in weights for found in judged(claim(), frame)]
    together = joined(clean(), *[frame[frame["attack"] == "pgd"] for frame in weights])
    assert [(found["low"], found["high"]) for found in judged(claim(), together)] == [
        pytest.approx(one) for one in alone
    ]


# --- claims: held against another net
# --------------------------------------------------------------------------------


def against_family(**others: Any) -> Claim:
    plain = {
        "family": "adversarial",
        "against": Against(family="standard", same=("dataset", "kind", "options")),
        "statistic": "accuracy_difference",
        "direction": "above",
    }
    return claim(**{**plain, **others})


PAIR = {"plain": net(), "robust": net("adversarial")}
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
    assert judged(against_family(attack="clean"), lone, **PAIR)[0]["why"] == (
        "interval over images, held against plain"
    )
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


def test_an_unbounded_attack_is_judged_and_written_as_json_knows_it() -> None:
    frame = joined(
        clean(), *[cell(CLEAN_ENERGIES, attack=name, eps=math.inf) for name in ("pgd", "cw")]
    )
    for rule in (
        claim(attack="cw"),
        claim(attack="cw", against=Against("pgd"), statistic="success_difference"),
    ):
        (found,) = judged(rule, frame)
        assert (found["axes"]["eps"], found["value"]) == ("unbounded", 0.0)
        assert "Infinity" not in json.dumps(found, allow_nan=False)


def test_the_command_writes_the_verdicts_of_the_studys_claims(tmp_path: Path) -> None:
    n = 300
    plain = clean([-5.0] * n).assign(success=[i < 15 for i in range(n)], max_logit=4.99)
    robust = clean([-5.0] * n, model="robust").assign(
        success=[i < 60 for i in range(n)], max_logit=5 + math.log(0.8)
    )
    write_rows(tmp_path / "scores.parquet", joined(plain, robust), unit="image")
    out = tmp_path / "verdicts.json"
    paths = [
        "--claims",
        str(CLAIMS),
        "--rows",
        json.dumps({"scores": [str(tmp_path / "scores.parquet")]}),
        "--out",
        str(out),
    ]
    judge_claims.main([*paths, "--models", json.dumps(PAIR)])
    cells = {claim["id"]: claim["cells"] for claim in read_json(out)}
    assert {id: [cell["verdict"] for cell in found] for id, found in cells.items() if found} == {
        "robust_nets_are_calibrated": [REPRODUCED],
        "robustness_costs_accuracy": [REPRODUCED],
    }
    assert cells["robust_nets_are_calibrated"][0]["value"] == pytest.approx(math.exp(-0.01) - 0.95)


def test_no_rows_are_no_verdict() -> None:
    assert judged(claim(), pd.DataFrame()) == []


# --- claims: the file
# --------------------------------------------------------------------------------------------


def test_the_claims_of_the_study_are_read_once_each() -> None:
    found = read(CLAIMS)
    assert len({one.id for one in found}) == len(found) > 0
    assert all(one.min_n > 0 and one.sentence.endswith(".") for one in found)
    assert {one.statistic for one in found} <= set(named.names())


ENTRY = (
    "- {id: a, work: w, place: p, sentence: s, family: standard, attack: pgd, statistic: auroc, "
    "direction: above, "
    "margin: 0, min_n: 1}\n"
)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("margin: 0, ", "", "claim a: margin: is missing; it must be a number."),
        (
            "margin: 0",
            "margin: 0, marign: 1",
            ("claim a: marign: unknown key; did you mean 'margin'?"),
        ),
        (
            "statistic: auroc",
            "statistic: aurok",
            ("claim a: statistic: unknown statistic; did you mean 'auroc'?"),
        ),
        (
            "direction: above",
            "direction: over",
            ("claim a: direction: must be one of above, below, not 'over'."),
        ),
        (
            "margin: 0",
            "margin: 0, against: {attack: apgd, family: standard}",
            "claim a: against: names one thing: an attack, a family, a part of the model, or",
        ),
        (
            "margin: 0",
            "margin: 0, against: {famly: standard}",
            "claim a: against.famly: unknown key; did you mean 'family'?",
        ),
        (
            "margin: 0",
            "margin: 0, against: {family: standard, same: [dataset, net]}",
            "claim a: against.same: must be a list out of dataset, kind, .*, not ",
        ),
        ("margin: 0", "margin: 0, against: pgd", "claim a: against: must be a map such as"),
        ("margin: 0", "margin: 0, against: {attack: 3}", "claim a: against.attack: must be text"),
        (
            "margin: 0",
            "margin: 0, against: {attack: pgd, same: [kind]}",
            "claim a: against.same: belongs to a family; leave it out.",
        ),
        ("attack: pgd, ", "", "claim a: attack: is missing; name an attack, clean, or a measure."),
        (
            "margin: 0",
            "margin: 0, at: {steps: [1]}",
            "claim a: at: must map axes to one",
        ),
        ("margin: 0", "margin: 0, at: 5", "claim a: at: must map axes to one"),
        (
            "statistic: auroc",
            "statistic: my_lab.gone.gap",
            "claim a: statistic: there is no module my_lab.gone.",
        ),
        (
            "statistic: auroc",
            "statistic: mine.gap",
            "claim a: statistic: a statistic of your own is named like my_lab.statistics.gap.",
        ),
        (ENTRY, "a sentence\n", "must hold a list of claims"),
    ],
)
def test_a_claim_that_is_none_is_refused_with_the_file(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(ENTRY, encoding="utf-8")
    assert read(path)[0].margin == 0
    path.write_text(ENTRY.replace(before, after), encoding="utf-8")
    with pytest.raises(BadFile, match=f"mine.yaml: {said}"):
        read(path)


def test_what_a_claim_is_held_against_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for given, against in (
        ("", None),
        (", against: {attack: pgd}", Against("pgd")),
        (", against: {family: cnn}", Against(family="cnn")),
        (
            ", against: {family: cnn, same: [dataset, kind]}",
            Against(family="cnn", same=("dataset", "kind")),
        ),
        (", against: {largest: eot}", Against(largest="eot")),
    ):
        path.write_text(ENTRY.replace("margin: 0", f"margin: 0{given}"), encoding="utf-8")
        assert read(path)[0].against == against


# --- claims: one value of an axis against the largest


SUFFICES = {
    "statistic": "accuracy_difference",
    "direction": "below",
    "margin": 0.02,
    "against": Against(largest="runs"),
    "at": {"runs": 5},
}


def swept(fooled: dict[int, int], n: int = 400, axis: str = "runs") -> pd.DataFrame:
    """Images of which so many are fooled at each value of an axis, always the first ones."""
    cells = [
        cell([0.0] * n, success=[place < count for place in range(n)]).assign(**{axis: value})
        for value, count in fooled.items()
    ]
    frame = joined(clean([0.0] * n).assign(**{axis: 0}), *cells)
    frame.attrs["axes"] = [*dict.fromkeys(("eps", "steps", "lambda_", axis))]
    return frame


@pytest.mark.parametrize(
    ("more", "verdict"), [(0, REPRODUCED), (7, INCONCLUSIVE), (40, NOT_REPRODUCED)]
)
def test_a_value_suffices_where_the_largest_fools_hardly_more(more: int, verdict: str) -> None:
    """At 10 runs `more` of 400 images are fooled beyond the 100 at 5; 7 are 1.75 points."""
    (found,) = judged(claim(**SUFFICES), swept({1: 20, 5: 100, 10: 100 + more}))
    assert (found["axes"]["runs"], found["value"]) == (5, pytest.approx(more / 400))
    assert (found["verdict"], found["why"]) == (
        verdict,
        "interval over images, held against runs 10",
    )


def test_a_step_count_is_judged_against_the_largest_and_not_at_the_last() -> None:
    rule = claim(**SUFFICES | {"against": Against(largest="steps"), "at": {"steps": 50}})
    (found,) = judged(rule, swept({10: 0, 50: 100, 500: 140}, axis="steps"))
    assert (found["axes"]["steps"], found["value"]) == (50, pytest.approx(0.1))
    assert found["why"] == "interval over images, held against steps 500"


@pytest.mark.parametrize(
    ("fooled", "why"),
    [
        ({1: 20, 3: 100}, "no rows at runs 5"),
        ({1: 20, 5: 100}, "nothing above runs 5 to hold it against"),
    ],
)
def test_where_the_value_or_a_larger_one_is_missing_nothing_is_tested(
    fooled: dict[int, int], why: str
) -> None:
    (found,) = judged(claim(**SUFFICES), swept(fooled))
    assert (found["model"], found["verdict"], found["why"]) == ("plain", NOT_TESTED, why)


# --- claims: axes, measures, statistics by name


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


OWN = """
from robustgen.stats import intervals

def smoother(part, other):
    '''Mean of v - mean of v of the other net.'''
    return intervals.mean(part["v"].to_numpy() - other["v"].mean())
"""


def test_a_claim_on_a_measure_with_a_statistic_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_lab").mkdir()
    (tmp_path / "my_lab/claimed.py").write_text(OWN)
    values = {"plain": [1.0, 2.0, 3.0, 4.0], "robust": [1.0, 1.5, 1.0, 0.5]}
    frames = [
        pd.DataFrame({"index": range(4), "v": values[name]}).assign(
            dataset="digits", model=name, seed=0, split="test"
        )
        for name in PAIR
    ]
    write_rows(tmp_path / "v.parquet", joined(*frames), unit="image")
    (tmp_path / "c.yaml").write_text(
        ENTRY.replace("attack: pgd", "measure: roughness")
        .replace("auroc", "my_lab.claimed.smoother")
        .replace("family: standard", "family: adversarial")
        .replace("margin: 0", "margin: 0, against: {family: standard}")
        .replace("above", "below")
    )
    paths = {"roughness": [str(tmp_path / "v.parquet"), str(tmp_path / "arrays.safetensors")]}
    given = ["--claims", "c.yaml", "--models", json.dumps(PAIR), "--rows", json.dumps(paths)]
    judge_claims.main([*given, "--out", "verdicts.json"])
    (found,) = read_json("verdicts.json")[0]["cells"]
    assert (found["model"], found["axes"], found["n"], found["success"]) == ("robust", {}, 4, None)
    assert found["value"] == pytest.approx(1.0 - 2.5)
    assert (found["verdict"], found["why"]) == (
        REPRODUCED,
        "interval over images, held against plain",
    )


def test_every_public_function_of_the_folders_statistics_is_one() -> None:
    assert {"energy_change", "ece_reduction"} <= set(named.names())
    assert not {name for name in named.names() if name.startswith("_")}
    assert all(named.statistic(name).__doc__ for name in named.names())
    with pytest.raises(Refused, match="Statistic aurok: unknown statistic; did you mean 'auroc'"):
        named.statistic("aurok")


# --- claims: held against a part of the model


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
