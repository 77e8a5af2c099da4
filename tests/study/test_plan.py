"""Which scores, measures and detectors a study needs, as told from its configuration alone;
unbounded budgets.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from robustgen.core.rows import CLEAN
from robustgen.study import config
from robustgen.study.config import ConfigError
from robustgen.study.plan import Plan
from robustgen.study.schema import Study

SMALL: dict[str, Any] = {
    "study": "small",
    "outputs": ["table_1", "ladder", "paths"],
    "datasets": {
        "digits": {
            "kind": "digits",
            "eps": ["8/255"],
            "evaluate": {"reference": 50, "validation": 20, "test": 30},
        }
    },
    "recipes": {"short": {"epochs": 2}},
    "models": {name: {"dataset": "digits", "recipe": "short"} for name in ("plain", "other")},
    "attacks": {
        "pgd": {"steps": [5]},
        "he_pgd": {"steps": [5], "weight": [1.2]},
        "cw": {
            "kind": "foolbox",
            "norm": "l2",
            "eps": ["unbounded"],
            "options": {"name": "L2CarliniWagner"},
        },
        "evade": {"kind": "evade", "options": {"detector": "two_sided"}},
        "noise": {"kind": "noise", "steps": [1]},
        "spare": {},
    },
    "detectors": {
        "energy": {"kind": "energy"},
        "lid": {"kind": "lid", "fit": "pgd", "noise": "noise", "options": {"k": 5, "batch": 20}},
        "band": {"kind": "unnatural"},
    },
    "tables": {
        "table_1": {"models": ["plain"], "attacks": ["pgd", "cw"], "detectors": ["energy", "lid"]},
        "ladder": {
            "kind": "matrix",
            "models": ["plain", "other"],
            "attacks": ["evade"],
            "detectors": ["energy", "band"],
        },
        "unasked": {
            "kind": "matrix",
            "models": ["other"],
            "attacks": ["spare"],
            "detectors": ["lid"],
        },
    },
    "figures": {
        "paths": {"kind": "trajectories", "models": ["plain"], "attacks": ["pgd", "he_pgd"]}
    },
}


def plan(**changes: Any) -> Plan:
    return Plan(config.checked({**copy.deepcopy(SMALL), **changes}))


def test_detectors_are_those_that_an_output_shows_on_that_model_under_that_attack() -> None:
    found = plan()
    assert list(found.detectors("plain", "pgd")) == ["energy", "lid"]
    assert (
        list(found.detectors("plain", "evade"))
        == list(found.detectors("other", "evade"))
        == ["energy", "band"]
    )
    assert found.detectors("other", "spare") == {}  # its table is not among the outputs


def test_measures_are_taken_where_a_detector_looks_and_where_it_learns() -> None:
    found = plan()
    asked = {"lid": {"kind": "lid", "options": {"k": 5, "batch": 20}}}
    for attack in ("pgd", "cw", "noise", CLEAN):
        assert found.measures("plain", attack) == asked, attack
    assert found.measures("plain", "evade") == found.measures("other", CLEAN) == {}


def test_detection_waits_for_what_its_detectors_learn_from() -> None:
    found = plan()
    assert found.learnt_from("plain", "cw") == ["pgd", "noise"]
    assert found.learnt_from("plain", "evade") == []


def test_only_attacks_that_know_a_detector_are_told_of_natural_images() -> None:
    assert [name for name in SMALL["attacks"] if plan().knows_natural(name)] == ["evade"]


def test_reference_images_are_neither_attacked_nor_scored() -> None:
    found = plan()
    assert (found.evaluated("plain"), found.reference("plain")) == (
        {"validation": 20, "test": 30},
        50,
    )


def test_a_landscape_follows_the_attacks_of_its_figures_at_the_budgets_of_the_data_set() -> None:
    found = plan().followed("plain")
    assert {name: sweep["eps"] for name, sweep in found.items()} == {
        "pgd": (8 / 255,),
        "he_pgd": (8 / 255,),
    }
    assert plan().followed("other") == {}


def test_an_unbounded_budget_survives_json_and_is_no_eps_of_the_data_set() -> None:
    study = plan().study
    assert study.attacks["cw"].eps == (float("inf"),)
    text = study.model_dump_json()
    assert "Infinity" not in text
    assert Study.model_validate(json.loads(text)) == study
    assert json.loads(plan().sweep("plain", "cw"))["eps"] == [float("inf")]


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        (
            {"kind": "lid", "noise": "noise"},
            ("detectors.lid.fit: is empty; a detector of kind lid learns from that attack."),
        ),
        (
            {"kind": "kd_bu", "fit": "pgd"},
            ("detectors.lid.noise: is empty; a detector of kind kd_bu learns from that attack."),
        ),
        (
            {"kind": "lid", "fit": "pdg", "noise": "noise"},
            "detectors.lid.fit: 'pdg' is not defined in attacks; did you mean",
        ),
        (
            {"kind": "lid", "fit": "pgd", "noise": "noise", "options": {"k": 20, "batch": 20}},
            "detectors.lid.options.k: must be below batch (20), for the nearest neighbour is "
            "dropped, not 20.",
        ),
        (
            {"kind": "supervised"},
            ("detectors.lid.kind: 'supervised' is no module of robustgen.detect"),
        ),
    ],
)
def test_a_detector_that_cannot_learn_is_refused_before_any_job(
    detector: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(detectors={**SMALL["detectors"], "lid": detector})
    assert said in str(caught.value)


def test_an_unbounded_budget_is_for_attacks_only() -> None:
    with pytest.raises(ConfigError, match=r"datasets\.digits\.eps\.0"):
        plan(datasets={"digits": {**SMALL["datasets"]["digits"], "eps": ["unbounded"]}})


def test_claims_are_judged_on_every_score_that_an_output_rests_on() -> None:
    found = plan().scored()
    expected = {
        ("plain", CLEAN),
        ("plain", "pgd"),
        ("plain", "cw"),
        ("plain", "evade"),
        ("other", CLEAN),
        ("other", "evade"),
    }
    assert {(path.split("/")[3], path.split("/")[5]) for path in found} == expected
    assert len(found) == len(expected)
