"""Claims: their verdicts, their file."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judge_claims
from cells import CLEAN_ENERGIES, cell, clean, joined
from claiming import CLAIMS, ENTRY, PAIR, claim, judged, net
from robustgen.core.files import read_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import write_rows
from robustgen.stats import claims, intervals, named
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from robustgen.stats.intervals import Interval
from robustgen.stats.rules import Against


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


# --- their file of verdicts -----------------------------------------------------------------------


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


# --- measures and statistics by name --------------------------------------------------------------


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
