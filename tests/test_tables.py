"""Tables: what stands beside a published number, and how cells are printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT
from robustgen.core.schema import Attack
from robustgen.tables import published
from robustgen.tables.table import Table, budget, percent, text, write

PAPER = published.read(ROOT / "config/paper.csv")
RESNET10 = {"net": "resnet", "options": {"width": 64}, "objective": {"kind": "standard"}, "published": "cifar10"}


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
        {"net": "cnn"},
    ],
)
def test_another_data_set_net_or_training_gets_no_published_number(other: dict[str, Any]) -> None:
    assert cell({**RESNET10, **other}) == {}


def test_a_budget_that_the_paper_does_not_print_gets_none() -> None:
    assert cell(RESNET10, eps="16/255") == {}


PGD = Attack(step=1 / 255, steps=(0, 40)).model_dump()
APGD = Attack(kind="torchattacks", options={"name": "APGD"}).model_dump()


def test_the_papers_attacks_are_known_by_their_protocol() -> None:
    assert published.printed_attack(PGD, steps=40, weight=0.0) == "PGD"
    assert published.printed_attack(APGD, steps=40, weight=0.0) == "APGD"


@pytest.mark.parametrize(
    ("entry", "steps", "weight"),
    [
        (PGD, 10, 0.0),
        (PGD, 40, 1.2),
        ({**PGD, "step": 2 / 255}, 40, 0.0),
        ({**PGD, "step": None, "rel_step": 0.125}, 40, 0.0),
        ({**PGD, "norm": "l2"}, 40, 0.0),
        ({**PGD, "restarts": 5}, 40, 0.0),
        ({**PGD, "target": "random"}, 40, 0.0),
        ({**APGD, "options": {"name": "APGD", "mended": True}}, 40, 0.0),
        (APGD, 100, 0.0),
    ],
)
def test_another_protocol_gets_no_published_number(entry: dict[str, Any], steps: int, weight: float) -> None:
    assert published.printed_attack(entry, steps=steps, weight=weight) is None


@pytest.mark.parametrize(("value", "printed"), [(8 / 255, "8/255"), (76 / 255, "76/255"), (0.5, "0.5"), (0.0, "0")])
def test_budgets_are_printed_as_they_are_written(value: float, printed: str) -> None:
    assert budget(value) == printed


def test_csv_holds_the_numbers_and_the_others_the_printed_form(tmp_path: Path) -> None:
    rows = pd.DataFrame({"name": ["a_b", "50%"], "dr": [0.25, 1.0], "dr_low": [0.1, 0.9], "dr_high": [0.4, 1.0]})
    write(Table("Title", "A note.", rows, {"name": text("name"), "DR %": percent("dr")}), tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["dr"].tolist() == [0.25, 1.0]
    assert "| a_b | 25.0 [10.0, 40.0] |" in (tmp_path / "t.md").read_text()
    assert r"a\_b & 25.0 [10.0, 40.0] \\" in (tmp_path / "t.tex").read_text()
    assert r"50\%" in (tmp_path / "t.tex").read_text()
