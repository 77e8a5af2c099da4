"""Tables: what stands beside a published number, and how cells are printed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT
from detections import SPEC, written
from robustgen.core.refusal import Refused
from robustgen.stats import intervals
from robustgen.tables import cells, detected, matrix, published
from robustgen.tables.table import Table, budget, percent, text, write

PAPER = published.read(ROOT / "config/paper.csv")
RESNET10 = {
    "kind": "resnet",
    "options": {"width": 64},
    "objective": {"kind": "standard"},
    "published": "cifar10",
}


def cell(model: dict[str, Any], attack: str = "PGD", eps: str = "8/255") -> dict[str, str]:
    return published.table_1(PAPER, model=model, row="Energy", attack=attack, eps=eps)


def test_the_papers_own_cell_is_given_as_printed_and_its_misprint_is_marked() -> None:
    found = cell(RESNET10)
    assert (found["DR"], found["FPR"]) == ("98.38", "1.62")
    assert found["FPR remark"].startswith("misprint")


def test_zero_stays_as_printed() -> None:
    assert cell({**RESNET10, "published": "imagenette"}, eps="16/255")["FPR"] == "0.00"


@pytest.mark.parametrize(
    "other",
    [
        {"published": None},
        {"options": {"width": 16}},
        {"options": {"blocks": [2, 2, 2, 2]}},
        {"objective": {"kind": "adversarial"}},
        {"kind": "cnn"},
    ],
)
def test_another_data_set_net_or_training_gets_no_published_number(other: dict[str, Any]) -> None:
    assert cell({**RESNET10, **other}) == {}


def test_a_budget_that_the_paper_does_not_print_gets_none() -> None:
    assert cell(RESNET10, eps="16/255") == {}


PGD = {
    "kind": "pgd",
    "norm": "linf",
    "sweep": {"steps": [0, 40]},
    "options": {
        "step": 1 / 255,
        "rel_step": None,
        "restarts": 1,
        "random_start": True,
        "target": "none",
        "eot": 1,
        "lambda_": 0.0,
    },
}
APGD = {
    "kind": "torchattacks",
    "norm": "linf",
    "sweep": {},
    "options": {"name": "APGD", "fixed": False, "loss": None, "restarts": 1, "eot": 1},
}


def entry(plain: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**plain, "options": {**plain["options"], **options}}


def test_the_papers_attacks_are_known_by_their_protocol() -> None:
    assert published.printed_attack(PGD, steps=40, lambda_=0.0) == "PGD"
    assert published.printed_attack(APGD, steps=40, lambda_=0.0) == "APGD"


@pytest.mark.parametrize(
    ("attack", "steps", "lambda_"),
    [
        (PGD, 10, 0.0),
        (PGD, 40, 1.2),
        (entry(PGD, lambda_=1.2), 40, 0.0),
        (entry(PGD, step=2 / 255), 40, 0.0),
        (entry(PGD, step=None, rel_step=0.125), 40, 0.0),
        (entry(PGD, random_start=False), 40, 0.0),
        ({**PGD, "norm": "l2"}, 40, 0.0),
        (entry(PGD, restarts=5), 40, 0.0),
        (entry(PGD, target="random"), 40, 0.0),
        (entry(APGD, fixed=True), 40, 0.0),
        (entry(APGD, loss="dlr"), 40, 0.0),
        (entry(APGD, name="APGDT"), 40, 0.0),
        (APGD, 100, 0.0),
    ],
)
def test_another_protocol_gets_no_published_number(
    attack: dict[str, Any], steps: int, lambda_: float
) -> None:
    assert published.printed_attack(attack, steps=steps, lambda_=lambda_) is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"eps": 8 / 255, "steps": 40, "lambda_": 1.2}, "8/255, 40 steps, lambda 1.2"),
        ({"eps": 0.5, "steps": 1, "lambda_": 0.0}, "0.5, 1 step"),
        ({"eps": math.inf, "eot": 20}, "unbounded, eot 20"),
        ({"eps": "unbounded"}, "unbounded"),
        ({"corruption": "fog", "severity": 3, "view": ""}, "corruption fog, severity 3"),
        ({"eps": 0.0, "steps": 0}, ""),
    ],
)
def test_the_axes_of_a_cell_in_words(row: dict[str, Any], said: str) -> None:
    assert cells.words(row, row) == said
    named = f"a ({said})" if said else "a"
    assert cells.named(row)(pd.Series({"attack": "a", **row})) == named


def test_each_axis_has_a_column_of_its_own() -> None:
    columns = cells.columns(["eps", "lambda_", "corruption"])
    row = pd.Series({"eps": 8 / 255, "lambda_": 0.0, "corruption": ""})
    assert {name: format_(row) for name, format_ in columns.items()} == {
        "eps": "8/255",
        "lambda": "0",
        "corruption": "",
    }


@pytest.mark.parametrize(
    ("value", "printed"), [(8 / 255, "8/255"), (76 / 255, "76/255"), (0.5, "0.5"), (0.0, "0")]
)
def test_budgets_are_printed_as_they_are_written(value: float, printed: str) -> None:
    assert budget(value) == printed


def test_csv_holds_the_numbers_and_the_others_the_printed_form(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"name": ["a_b", "50%"], "dr": [0.25, 1.0], "dr_low": [0.1, 0.9], "dr_high": [0.4, 1.0]}
    )
    write(
        Table("Title", "A note.", rows, {"name": text("name"), "DR %": percent("dr")}),
        tmp_path / "t.csv",
    )
    assert pd.read_csv(tmp_path / "t.csv")["dr"].tolist() == [0.25, 1.0]
    assert "| a_b | 25.0 [10.0, 40.0] |" in (tmp_path / "t.md").read_text()
    assert r"a\_b & 25.0 [10.0, 40.0] \\" in (tmp_path / "t.tex").read_text()
    assert r"50\%" in (tmp_path / "t.tex").read_text()


# --- attack by detector
# --------------------------------------------------------------------------------------------


def test_the_matrix_shows_rates_on_fooled_images_and_says_what_is_missing(tmp_path: Path) -> None:
    table = matrix.make(written(tmp_path), spec=SPEC, paper=PAPER, absent="")
    pgd, cw = (row for _, row in table.rows.iterrows())
    assert (pgd["attack"], pgd["steps"], pgd["n"]) == ("pgd", 9, 2)
    assert (pgd["energy"], pgd["energy_low"], pgd["energy_high"]) == intervals.share(1, 2)
    assert (pgd["fooled"], pgd["fooled_low"], pgd["fooled_high"]) == intervals.share(2, 3)
    assert (cw["attack"], cw["n"], cw["fooled"]) == ("cw", 0, 0)
    assert table.printed()[1] == ["net", "cw (unbounded, 9 steps)", "0", "0.0 [0.0, 70.8]", ""]
    assert "Not fitted: lid on net (sound protocol; pgd): Too few images." in table.note


def test_the_ladder_adds_the_attacker_who_keeps_what_gets_through_at_any_step(
    tmp_path: Path,
) -> None:
    files = written(tmp_path)
    statistics, thresholds = detected.read(files["detect"], ["energy"])
    more = thresholds[thresholds["attack"] == "pgd"].assign(attack="he_pgd")
    again = statistics[statistics["attack"] == "pgd"].assign(attack="he_pgd", success=False)
    found = matrix.cells(
        pd.concat([statistics, again]), pd.concat([thresholds, more]), "joint"
    ).set_index("attack")
    assert found.loc["pgd", "energy"] == pytest.approx(1 / 3)
    assert found.loc["he_pgd", "energy"] == found.loc["cw", "energy"] == 0
    # image 1 after nine steps, image 2 after two
    assert found.loc[matrix.UNITED, "energy"] == pytest.approx(2 / 3)
    assert found.loc[matrix.UNITED, "fooled"] == 1
    assert list(found.index) == ["pgd", "cw", "he_pgd", matrix.UNITED]


def test_an_unknown_value_of_a_matrix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is one of dr, joint, not 'auc'"):
        matrix.make(
            written(tmp_path), spec={**SPEC, "options": {"value": "auc"}}, paper=PAPER, absent=""
        )


def test_the_reviews_rows_of_table_1_are_published_and_marked() -> None:
    for label, dr in (("KD+BU", "92.27"), ("LID", "94.39")):
        found = published.table_1(PAPER, model=RESNET10, row=label, attack="PGD", eps="8/255")
        assert found["DR"] == dr
        assert found["DR remark"].startswith("from a review: other network")
