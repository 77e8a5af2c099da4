"""Tables 2.2 to 2.9 on rows by hand: published values where the cell is that of the thesis."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from chapter_2 import SPEC, both, cell, written
from conftest import ROOT
from robustgen.core.rows import CLEAN
from robustgen.tables import bounded, budgets, distances, published
from robustgen.tables.published_abs import accuracy, by_setting, distance
from robustgen.tables.table import Table

PAPER = published.read(ROOT / "config/paper.csv")


def printed(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.printed()]


def test_a_column_per_model_with_the_published_numbers_beside(tmp_path: Path) -> None:
    """Under PGD 2 of 50 images of ABS stay right; table 2.2 has 3.4 % and for E-ABS 17.1 %."""
    rows = printed(bounded.make(both(tmp_path), spec=SPEC, paper=PAPER, absent=""))
    pgd = next(row for row in rows if row["attack"] == "pgd")
    assert pgd["abs"].startswith("4.0 [")
    assert (pgd["eps"], pgd["n"], pgd["norm"]) == ("0.3", "50", "L_inf")
    assert (pgd["published abs"], pgd["published eabs"]) == ("3.4", "17.1")
    clean = next(row for row in rows if row["attack"] == CLEAN)
    assert (clean["published abs"], clean["published eabs"]) == ("96.1", "99.4")
    assert [row["attack"] for row in rows].count("all") == 2
    assert rows[-1]["attack"] == "all of both norms"


@pytest.mark.parametrize(
    ("change", "value"), [("published", None), ("family", "standard"), ("published", "svhn")]
)
def test_another_data_set_or_family_has_no_published_number(change: str, value: Any) -> None:
    facts = {**SPEC["models"]["abs"], change: value}
    assert accuracy(PAPER, facts=facts, norm="linf", eps=0.3, attack="PGD") is None


def test_misprints_are_marked() -> None:
    """Table 2.3 prints 0.9 % for noise on E-ABS, though all attacks together leave 43.5 %."""
    facts = {**SPEC["models"]["eabs"], "published": "fashion_mnist"}
    found = accuracy(PAPER, facts=facts, norm="linf", eps=0.1, attack="Noise")
    assert str(found) == "0.9?"


def test_published_distances_and_budgets_are_found() -> None:
    facts = {"published": "svhn", "family": "eabs"}
    assert str(distance(PAPER, facts=facts, norm="linf", of="mean")).startswith("0.046")
    assert str(by_setting(PAPER, facts=facts, name="steps", value=10)) == "78"
    assert str(by_setting(PAPER, facts=facts, name="eot", value=10)) == "58.6"
    assert str(by_setting(PAPER, facts=facts, name="restarts", value=50)) == "56"


def test_distances_are_told_per_model_and_norm(tmp_path: Path) -> None:
    rows = printed(distances.make(both(tmp_path), spec=SPEC, paper=PAPER, absent=""))
    assert [(row["model"], row["norm"]) for row in rows] == [
        (model, norm) for norm in ("L_inf", "L_2") for model in ("abs", "eabs")
    ]
    assert rows[0]["natural accuracy %"].startswith("96.0 [")
    assert rows[1]["never fooled %"] == "20.0"  # 40 of 50 under PGD, 20 of those under DeepFool


def test_effort_is_held_against_the_largest_setting_image_by_image(tmp_path: Path) -> None:
    """5 steps fool 10 of 50 images, 20 steps 20 of them: 20 points more are right after 5."""
    spec = copy.deepcopy(SPEC)
    spec["options"] = {"axis": "steps"}
    cells = [cell("eabs", "pgd", 10, 0.3, steps=5), cell("eabs", "pgd", 20, 0.3, steps=20)]
    files = written(tmp_path, cells, "steps")
    first, last = printed(budgets.make(files, spec=spec, paper=PAPER, absent=""))
    assert (first["steps"], last["steps"]) == ("5", "20")
    assert first["accuracy %"].startswith("80.0 [")
    assert first["accuracy above that of the largest, points"].startswith("20.0 [")
    assert last["accuracy above that of the largest, points"].startswith("0.0 [")
