"""Claims as the page tells them: rules in words, settings of cells, p-values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from robustgen.report.verdicts import MARKS, counts, p_value, rule, told
from robustgen.stats import named
from robustgen.study.schema import Study

CLAIM: dict[str, Any] = {
    "id": "falls", "work": "w", "family": "standard", "attack": "pgd", "measure": "scores",
    "against": None, "statistic": "energy_change", "direction": "below", "margin": 0,
    "min_n": 200, "min_success": 0.95, "not_tested": {},
}  # fmt: skip
CELL: dict[str, Any] = {
    "dataset": "digits", "model": "net", "axes": {"eps": 8 / 255}, "n": 300, "value": -1.5,
    "low": -1.75, "high": -1.25, "p": 0.0004, "p_claim": 0.012, "p_work": 1.0,
    "verdict": "reproduced", "why": "interval over images",
}  # fmt: skip
STUDY = cast(
    "Study",
    SimpleNamespace(
        attacks={"pgd": SimpleNamespace(norm="linf"), "cw": SimpleNamespace(norm="l2")}
    ),
)


def test_every_statistic_has_a_sentence_for_its_rule() -> None:
    for name in named.names():
        said = rule(CLAIM | {"statistic": name, "against": {"attack": "apgd", "family": None}})
        assert "must lie below 0, for nets of family standard under pgd" in said
        assert "held against apgd at the same budget, with at least 200 images" in said
        assert (named.statistic(name).__doc__ or "").split()[0] in said


def test_a_claim_on_clean_images_against_another_net_has_a_rule_in_words() -> None:
    against = {"attack": None, "family": "cnn", "same": ["dataset", "kind", "options"]}
    claim = CLAIM | {"attack": "clean", "against": against, "min_success": 0.0}
    assert (
        "for nets of family standard on clean images, held against the net of family cnn with the "
        "same dataset, kind and options, with at least 200 images."
    ) in rule(claim)
    assert "on clean images" in rule(claim | {"attack": None, "measure": "gradients"})


def test_a_claim_on_one_value_of_an_axis_says_which() -> None:
    claim = CLAIM | {"at": {"eot": 5}, "against": {"largest": "eot"}, "min_success": 0.0}
    assert (
        "under pgd at eot 5, held against the same attack at the largest eot, with at least 200 "
        "images."
    ) in rule(claim)


def test_a_statistic_that_is_gone_is_told_by_its_name() -> None:
    assert rule(CLAIM | {"statistic": "my_lab.gone.gap"}).startswith("my_lab.gone.gap. It must")


@pytest.mark.parametrize(
    ("attack", "axes", "said"),
    [
        ("clean", {"eps": 0.0}, "clean"),
        (None, {}, "clean"),
        (None, {"lambda_": 0.0, "plus": False}, "lambda 0, no plus"),
        (None, {"task": "inpainting", "plus": True}, "task inpainting, plus"),
        ("pgd", {"eps": "unbounded"}, "unbounded"),
        ("cw", {"eps": "unbounded", "lambda_": 0.0}, "unbounded (L2)"),
        ("cw", {"eps": float("inf"), "steps": 5}, "unbounded (L2), 5 steps"),
        ("cw", {"eps": 0.5, "eot": 20}, "0.5 (L2), eot 20"),
        ("gone", {"eps": 8 / 255, "lambda_": 1.2}, "8/255, lambda 1.2"),
        ("shift", {"eps": 0.0, "corruption": "fog", "severity": 3}, "corruption fog, severity 3"),
    ],
)
def test_settings_of_cells_are_printed_whatever_they_are(
    attack: str | None, axes: dict[str, Any], said: str
) -> None:
    claim = CLAIM | {"attack": attack, "cells": [CELL | {"axes": axes}]}
    assert [cell["eps"] for cell in told(claim, STUDY)["printed"]] == [said]


def test_a_cell_shows_its_p_values_plain_and_corrected() -> None:
    unmeasured = dict.fromkeys(("value", "low", "high", "p", "p_claim", "p_work"))
    claim = told(CLAIM | {"cells": [CELL, CELL | unmeasured | {"verdict": "lost"}]}, STUDY)
    first, second = claim["printed"]
    assert (first["p"], first["p_claim"], first["p_work"]) == ("< 0.001", "0.012", "1.000")
    assert (second["value"], second["p"], second["p_claim"], second["p_work"]) == ("",) * 4
    assert claim["counts"] == dict.fromkeys(MARKS, 0) | {"reproduced": 1, "lost": 1}
    assert claim["counts"] == counts([claim])
    assert p_value(0.001) == "0.001"
