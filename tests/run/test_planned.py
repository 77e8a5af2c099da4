"""Whether planned images can decide a claim: n in the root of a width, by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from robustgen.run.planned import Planned, judged_earlier, lines, planned
from robustgen.stats.rules import Claim, read
from robustgen.study.config import load
from robustgen.study.plan import Plan

CLAIM = Claim(
    id="rises",
    work="w",
    place="p",
    sentence="It rises.",
    family="standard",
    statistic="auroc",
    direction="above",
    margin=0.06,
    min_n=20,
    not_tested={"letters": "no letters"},
)
CELL: dict[str, Any] = {"dataset": "digits", "value": 0.10, "low": 0.05, "high": 0.15, "n": 100}


def told(n: int | None, *, dataset: str = "digits", cell: dict[str, Any] | None = CELL) -> Planned:
    return Planned(CLAIM, dataset, n, cell)


@pytest.mark.parametrize(
    ("n", "half", "said"),
    [
        (400, 0.025, "can be decided"),
        (100, 0.05, "too close to the margin: about 157 images would do"),
        (25, 0.1, "too close to the margin: about 157 images would do"),
    ],
)
def test_half_a_width_falls_with_the_root_of_n(n: int, half: float, said: str) -> None:
    """0.10 +- 0.05 over 100 images: +- 0.05 sqrt(100 / n) over n. It lies 0.04 from the margin, so
    that n (half / 0.04)^2 = 100 (0.05 / 0.04)^2 = 156.25 images are needed, whatever n is.
    """
    found = told(n)
    assert found.half == pytest.approx(half)
    assert found.distance == pytest.approx(0.04)
    assert found.outlook == said


def test_what_no_width_can_tell_is_said() -> None:
    assert told(None).outlook == "only a run tells how many images"
    assert told(19).outlook == "too few images: the rule asks for 20"
    assert told(400, cell=None).outlook == "no earlier run to judge by"
    assert told(400, dataset="letters").outlook == "not tested, as decided beforehand"
    on_it = told(400, cell=CELL | {"value": CLAIM.margin}).outlook
    assert on_it == "an earlier value lies on the margin, where no number of images decides"
    assert told(400, dataset="signs").outlook == "can be decided, if it is as on digits"


TINY = Plan(load(ROOT / "config/config.yaml", ROOT / "tests/tiny.yaml"))


def test_a_cell_has_the_images_that_the_configuration_gives_its_attack() -> None:
    """The tiny study scores 60 test images, and its standard net is the only family."""
    claims = read(ROOT / "config/claims.yaml")
    found = planned(claims, TINY, [])
    assert {one.claim.family for one in found} == {"standard"}
    scored = [one for one in found if one.claim.measure == "scores"]
    assert {(one.dataset, one.n) for one in scored} == {("signs", 60)}
    assert "pgd_lowers_energy" in {one.claim.id for one in scored}


def test_the_earlier_cell_of_the_own_data_set_that_lies_closest_is_taken() -> None:
    claim = replace(CLAIM, attack="pgd", not_tested={})
    near = {**CELL, "dataset": "signs", "value": 0.07}
    far = {**CELL, "dataset": "signs", "value": 0.90}
    earlier = [("rises", CELL), ("rises", far), ("rises", near), ("falls", CELL)]
    (found,) = planned([claim], TINY, earlier)
    assert found.earlier is near
    (found,) = planned([claim], TINY, earlier[:1])
    assert found.earlier is CELL


def test_verdicts_without_an_interval_over_images_tell_nothing(tmp_path: Path) -> None:
    cells = [
        {**CELL, "seeds": 1},
        {**CELL, "seeds": 3},
        {**CELL, "seeds": 1, "low": None, "high": None},
    ]
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims/verdicts.json").write_text(json.dumps([{"id": "rises", "cells": cells}]))
    assert judged_earlier([tmp_path, tmp_path / "absent"]) == [("rises", cells[0])]


def test_the_text_counts_outlooks_and_warns_of_several_seeds() -> None:
    said = lines([told(400), told(10), told(10, dataset="signs")], 3)
    assert said[0].startswith("Claims: 1 can be decided, 2 too few images.")
    assert "over 3 seeds are no narrower" in said[0]
    assert said[2].split() == [
        "rises",
        "digits",
        "400",
        "20",
        "0.025",
        "0.04",
        *said[2].split()[-3:],
    ]
    assert lines([], 1) == []
