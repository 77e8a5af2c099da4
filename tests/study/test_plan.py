"""What a study needs, as told from its configuration alone: scores, measures, detectors, sweeps,
facts; unbounded budgets.
"""

from __future__ import annotations

import copy
import json
from math import inf
from typing import Any

import pytest
import yaml

from robustgen.attacks.cells import Sweep
from robustgen.core.rows import CLEAN
from robustgen.study import config
from robustgen.study.config import ConfigError
from robustgen.study.plan import Plan
from robustgen.study.schema import Study

SMALL: dict[str, Any] = yaml.safe_load("""
study: small
outputs: [table_1, ladder, paths, slopes, moved, sheet]
datasets:
  digits:
    kind: digits
    eps: [8/255]
    eps_l2: [0.5, 1]
    evaluate: {reference: 50, validation: 20, test: 30}
  signs: {kind: signs, evaluate: {reference: 50, validation: 20, test: 30}}
recipes:
  short: {trainer: supervised, epochs: 2}
  robust:
    trainer: supervised
    options: {schedule: multistep, milestones: [3]}
    objective: {kind: adversarial, options: {eps: 8/255}}
models:
  plain: {kind: resnet, dataset: digits, recipe: short}
  other: {kind: resnet, dataset: digits, recipe: robust, family: brave}
attacks:
  pgd: {kind: pgd, sweep: {steps: [5]}}
  he_pgd: {kind: pgd, sweep: {steps: [5], lambda_: [0, 1.2]}, options: {step: 1/255}}
  pgd_l2: {kind: pgd, norm: l2}
  cw: {kind: foolbox, norm: l2, sweep: {eps: unbounded}, options: {name: L2CarliniWagner}}
  evade: {kind: evade, options: {detector: two_sided}}
  noise: {kind: noise}
  foreign: {kind: other_images, options: {dataset: signs}}
  moved: {kind: pgd, made_on: other, images: 25}
  spare: {kind: pgd}
detectors:
  energy: {kind: energy}
  lid: {kind: lid, fpr: 0.1, options: {fit: pgd, noise: noise, k: 5, batch: 20}}
  band: {kind: unnatural}
measures:
  trajectories: {kind: trajectories, options: {attacks: [pgd, he_pgd]}}
  few: {kind: gradients, options: {images: 10}}
tables:
  table_1: {models: [plain], attacks: [pgd, cw], detectors: [energy, lid]}
  ladder: {kind: matrix, models: [plain, other], attacks: [evade], detectors: [energy, band]}
  slopes: {kind: gradients, models: [other], measures: [few]}
  moved: {kind: transfer, models: [plain], attacks: [moved], detectors: [energy]}
  unasked: {kind: matrix, models: [other], attacks: [spare], detectors: [lid]}
figures:
  paths: {kind: trajectories, models: [plain]}
  sheet: {datasets: [signs]}
""")
SCORES = "results/small/measures/{}/seed0/{}/scores.parquet"
ROWS = "results/small/measures/{}/seed0/{}/{}/rows.parquet"


def plan(**changes: Any) -> Plan:
    return Plan(config.checked({**copy.deepcopy(SMALL), **changes}))


# --- detectors and measures -----------------------------------------------------------------------


def test_detectors_are_those_that_an_output_shows_on_that_model_under_that_attack() -> None:
    found = plan()
    assert list(found.detectors("plain", "pgd")) == ["energy", "lid"]
    both = [list(found.detectors(model, "evade")) for model in ("plain", "other")]
    assert both == [["energy", "band"]] * 2
    assert found.detectors("other", "spare") == {}  # its table is not among the outputs


def test_a_detector_is_told_all_its_options() -> None:
    assert plan().detector("lid") == {
        "kind": "lid",
        "fpr": 0.1,
        "options": {"fit": "pgd", "noise": "noise", "k": 5, "batch": 20},
    }
    assert plan().detector("energy")["options"] == {"temperatures": (1.0,)}
    assert plan().learnt_from("lid") == {"fit": "pgd", "noise": "noise"}
    assert plan().learnt_from("energy") == {}


def test_detection_waits_for_what_its_detectors_learn_from_and_look_at() -> None:
    others, measured = plan().detect_inputs("plain", 0, "cw")
    assert others == {one: SCORES.format("plain", one) for one in ("pgd", "noise")}
    seen = (CLEAN, "cw", "pgd", "noise")
    assert measured == {"lid": {one: ROWS.format("plain", one, "lid") for one in seen}}
    assert plan().detect_inputs("other", 0, "evade") == ({}, {})


def test_a_detectors_own_measure_is_handed_only_what_changes_its_rows() -> None:
    found = plan()
    assert found.measure_options("lid") == {"k": 5, "batch": 20}
    assert [found.measured_with(name) for name in ("energy", "lid", "band")] == [False, True, False]


def test_a_measure_is_that_of_its_entry_of_a_detector_or_a_kind_as_by_default() -> None:
    found = plan()
    assert found.measure_options("few") == {"images": 10, "shown": 10}
    assert found.measure_options("gradients") == {"images": None, "shown": 10}
    assert found.measure("gradients").kind == found.measure("few").kind == "gradients"


def test_a_measure_follows_the_attacks_of_its_options_at_the_budgets_of_the_data_set() -> None:
    found = plan().measure_attacks("plain", "trajectories")
    assert {name: entry["sweep"] for name, entry in found.items()} == {
        "pgd": {"eps": [8 / 255], "steps": [5]},
        "he_pgd": {"eps": [8 / 255], "steps": [5], "lambda_": [0, 1.2]},
    }
    assert plan().measure_attacks("plain", "few") == {}


def test_an_output_selects_measures_by_name_and_else_takes_that_of_the_kinds_name() -> None:
    found = plan()
    assert found.needs("slopes") == {"gradients": found.measured("other", 0, CLEAN, "few")}
    followed = found.measured("plain", 0, CLEAN, "trajectories")
    assert found.needs("paths") == {"trajectories": followed}


# --- attacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "sweep"),
    [
        ("pgd", {"eps": [8 / 255], "steps": [5]}),
        ("pgd_l2", {"eps": [0.5, 1.0], "steps": [40]}),
        ("cw", {"eps": [inf], "steps": [40]}),
        ("noise", {"eps": [8 / 255]}),
        ("foreign", {}),
    ],
)
def test_an_attack_is_swept_over_the_budgets_of_its_data_set_and_over_steps_where_it_takes_them(
    attack: str, sweep: dict[str, Any]
) -> None:
    entry = plan().sweep_of("plain", attack)
    assert entry["sweep"] == sweep
    assert Sweep.of(json.loads(json.dumps(entry))).cells()  # as the job reads it


def test_an_attack_is_told_all_options_but_those_that_it_sweeps_and_folders_for_data_sets() -> None:
    told = plan().sweep_of("plain", "he_pgd")["options"]
    assert told["step"] == 1 / 255
    assert "lambda_" not in told
    assert plan().sweep_of("plain", "foreign")["options"] == {"dataset": "results/small/data/signs"}
    assert plan().other_data("foreign") == ["signs"]
    assert plan().other_data("pgd") == []


def test_only_attacks_that_know_a_detector_are_told_of_clean_images() -> None:
    found = plan()
    told = {name: found.told_files("plain", 0, name) for name in SMALL["attacks"]}
    assert {name: paths for name, paths in told.items() if paths} == {
        "evade": [SCORES.format("plain", CLEAN)]
    }


def test_images_that_were_made_on_another_model_are_those_of_that_model() -> None:
    found = plan()
    assert found.images("plain", 0, "moved").split("/")[2:5] == ["attacks", "other", "seed0"]
    assert found.images("plain", 0, "pgd").split("/")[3] == "plain"


def test_reference_images_are_neither_attacked_nor_scored_and_an_attack_may_take_fewer() -> None:
    found = plan()
    assert found.evaluated("plain") == {"validation": 20, "test": 30}
    assert found.evaluated("plain", "moved") == {"validation": 20, "test": 25}
    assert found.reference("plain") == 50


def test_an_unbounded_budget_survives_json_and_is_no_eps_of_the_data_set() -> None:
    study = plan().study
    assert study.attacks["cw"].sweep == {"eps": (inf,)}
    text = study.model_dump_json()
    assert "Infinity" not in text
    assert Study.model_validate(json.loads(text)) == study
    with pytest.raises(ConfigError, match=r"datasets\.digits\.eps\.0"):
        plan(datasets={"digits": {**SMALL["datasets"]["digits"], "eps": ["unbounded"]}})


# --- training and facts ---------------------------------------------------------------------------


def test_a_recipe_is_told_with_all_options_of_its_trainer_and_its_objective() -> None:
    told = plan().recipe("other")
    assert told["options"]["milestones"] == [3]
    assert (told["options"]["gamma"], told["options"]["lr"]) == (0.1, 0.1)
    assert told["objective"]["options"] == {
        "norm": "linf",
        "eps": 8 / 255,
        "steps": 7,
        "rel_step": 0.25,
    }
    assert "milestones" not in plan().recipe("plain")["options"]


def test_claims_speak_of_a_model_by_its_family_or_its_objective() -> None:
    found = plan()
    assert (found.family("plain"), found.family("other")) == ("standard", "brave")
    facts = json.loads(found.model_facts())
    assert facts["other"] == {
        "dataset": "digits",
        "kind": "resnet",
        "options": {},
        "parts": {},
        "objective": "adversarial",
        "family": "brave",
    }


def test_an_output_is_told_what_it_shows_in_the_order_of_the_configuration() -> None:
    told = json.loads(plan().output("table_1"))
    assert list(told) == ["options", "models", "attacks", "detectors"]
    assert list(told["attacks"]) == ["pgd", "cw"]
    assert told["attacks"]["cw"]["sweep"] == {"eps": ["unbounded"]}
    assert told["attacks"]["pgd"]["options"]["restarts"] == 1
    assert told["models"]["plain"]["objective"] == {"kind": "standard"}


def test_claims_are_judged_on_every_row_that_an_output_rests_on() -> None:
    found = plan().judged()
    shown = [("plain", one) for one in (CLEAN, "pgd", "cw", "evade", "moved")]
    shown += [("other", one) for one in (CLEAN, "evade")]
    assert sorted(found["scores"]) == sorted(SCORES.format(*one) for one in shown)
    assert found["gradients"] == [ROWS.format("other", CLEAN, "few")]
    assert found["trajectories"] == [ROWS.format("plain", CLEAN, "trajectories")]
    assert set(found) == {"scores", "gradients", "trajectories"}


def test_seeds_multiply_the_files_of_models_and_not_of_data() -> None:
    found = plan(seeds=[0, 3])
    rows = found.needs("ladder")["detect"]
    assert len(rows) == 2 * 2 * 2  # models, seeds, statistics and thresholds
    assert {path.split("/")[4] for path in rows} == {"seed0", "seed3"}
    assert found.needs("sheet") == {"data": ["results/small/data/signs/splits.json"]}


def smoothed(**changes: Any) -> Plan:
    """A study with a classifier around the net, whose inference has a view and a batch."""
    models = {
        **SMALL["models"],
        "around": {
            "kind": "variational",
            "dataset": "digits",
            "parts": {"base": "plain"},
            "options": {"eps": 0.1},
        },
    }
    attack = {"kind": "pgd", "view": {"gradient": "unrolled"}, "validation": False, "batch": 5}
    tables = {
        **SMALL["tables"],
        "moved": {
            "kind": "transfer",
            "models": ["plain", "around"],
            "attacks": ["quick"],
            "detectors": ["energy"],
        },
    }
    attacks = {**SMALL["attacks"], "quick": {**attack, **changes}}
    return plan(models=models, attacks=attacks, tables=tables, outputs=["moved"])


def test_a_view_is_for_the_models_that_offer_it() -> None:
    found = smoothed()
    assert found.view("around", "quick") == {"gradient": "unrolled"}
    assert found.view("plain", "quick") == {}


def test_a_view_that_no_model_offers_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"view\.sharpness: unknown setting of resnet"):
        smoothed(view={"sharpness": 2})


def test_an_attack_may_leave_validation_images_alone_and_have_a_batch_of_its_own() -> None:
    found = smoothed()
    assert found.evaluated("around", "quick") == {"test": 30}
    assert found.evaluated("around", CLEAN) == {"validation": 20, "test": 30}
    assert (found.batch("quick"), found.batch("pgd_l2")) == (5, 250)


def test_a_detector_cannot_learn_from_an_attack_without_validation_images() -> None:
    attacks = {**SMALL["attacks"], "pgd": {**SMALL["attacks"]["pgd"], "validation": False}}
    with pytest.raises(ConfigError, match=r"detectors\.lid\.options\.fit: pgd leaves out the"):
        plan(attacks=attacks)


def test_a_table_that_computes_all_that_it_shows_needs_no_files() -> None:
    figures = {**SMALL["figures"], "alone": {"kind": "two_noises"}}
    found = plan(figures=figures, outputs=["alone"])
    assert found.needs("alone") == {}
