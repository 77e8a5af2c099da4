"""Tables 2.6 to 2.9 on rows by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bounded import EPS, PGD, PLAIN, cell, rows, spec
from conftest import ROOT
from robustgen.core.rows import CLEAN, axes_of, write_rows
from robustgen.stats.intervals import paired_share_difference, share
from robustgen.tables import budgets, distances, published

PAPER = published.read(ROOT / "config/paper.csv")


def made(tmp_path: Path, module: Any, scores: pd.DataFrame, study: dict[str, Any]) -> Any:
    path = str(tmp_path / "scores.parquet")
    write_rows(path, scores, unit="image", axes=axes_of(scores))
    return module.make({"scores": [path]}, spec=study, paper=PAPER, absent="")


def first(count: int, n: int = 20) -> list[float]:
    return [float(place < count) for place in range(n)]


# --- distances ------------------------------------------------------------------------------------

SWEPT = rows(
    cell("d_abs", CLEAN, first(0)),
    cell("d_abs", "pgd", first(10), eps=0.1, distance=0.1),
    cell("d_abs", "pgd", first(20), eps=0.2, distance=0.2),
    cell("eabs", CLEAN, first(4)),
    cell("eabs", "pgd", first(15), eps=0.2, distance=0.2),
)


def test_distances_are_of_images_that_are_right_and_say_at_least(tmp_path: Path) -> None:
    """d_abs: ten at 0.1, ten at 0.2. eabs: of 16, eleven at 0.2 and five never."""
    table = made(tmp_path, distances, SWEPT, spec("d_abs", "eabs", attacks=("pgd",)))
    d, e = (dict(zip(table.columns, line, strict=True)) for line in table.printed())
    assert d["mean distance"].startswith("0.150 [")
    assert d["median distance"].startswith("0.150 [")
    assert d["never fooled %"].startswith("0.0 [")
    assert (e["n"], d["n"]) == ("16", "20")
    assert e["mean distance"].startswith("at least 0.200 [")
    assert e["never fooled %"].startswith(f"{100 * 5 / 16:.1f} [")
    assert e["natural %"].startswith("80.0 [")


def test_table_2_6_stands_beside_its_models(tmp_path: Path) -> None:
    study = spec("d_abs", "eabs", attacks=("pgd",))
    table = made(tmp_path, distances, SWEPT, study)
    assert table.rows["published"].tolist() == ["0.023 / 0.025", "0.046 / 0.041"]
    assert table.rows["published_natural"].tolist() == ["43.82", "88.30"]
    study["attacks"] = {"pgd": {**PLAIN, "norm": "l2", "options": PGD}}
    assert made(tmp_path, distances, SWEPT, study).rows["published"][0] == "0.063! / 0.056!"
    study["models"] = {name: {**one, "published": ""} for name, one in study["models"].items()}
    assert "published mean / median" not in made(tmp_path, distances, SWEPT, study).columns


# --- budgets --------------------------------------------------------------------------------------

FOOLED = {1: 6, 2: 9, 5: 10}
EOT = rows(
    cell("eabs", CLEAN, first(0), eot=0),
    *(cell("eabs", "pgd", first(fooled), eot=eot) for eot, fooled in FOOLED.items()),
    axes=("eps", "steps", "eot"),
)


def by_eot(**options: Any) -> dict[str, Any]:
    study = spec("eabs", attacks=("pgd",), axis="eot")
    fixed = {name: value for name, value in {**PGD, **options}.items() if name != "eot"}
    sweep = {"steps": [80], "eot": [*FOOLED]}
    return study | {"attacks": {"pgd": {**PLAIN, "sweep": sweep, "options": fixed}}}


def test_each_value_is_held_against_the_largest_image_by_image(tmp_path: Path) -> None:
    table = made(tmp_path, budgets, EOT, by_eot(restarts=5))
    found = table.rows.set_index("eot")
    assert found["accuracy"].tolist() == [14 / 20, 11 / 20, 10 / 20]
    assert tuple(found.loc[1, ["accuracy_low", "accuracy_high"]]) == share(14, 20)[1:]
    ours, theirs = (1 - pd.Series(first(count)).to_numpy() for count in (6, 10))
    wanted = paired_share_difference(ours, theirs)
    assert tuple(found.loc[1, ["more", "more_low", "more_high"]]) == pytest.approx(wanted)
    assert found.loc[1, "p_holm"] == pytest.approx(2 * wanted.p(0))
    last = dict(zip(table.columns, table.printed()[-1], strict=True))
    assert (last["runs for EOT"], last["p"]) == ("5", "")
    assert last["attack"] == "pgd (8/255, 80 steps)"


def test_tables_2_7_to_2_9_stand_beside_their_settings(tmp_path: Path) -> None:
    assert made(tmp_path, budgets, EOT, by_eot(restarts=5)).rows["published"].tolist() == [
        "57.5", "58.4", "58.7"
    ]  # fmt: skip
    assert made(tmp_path, budgets, EOT, by_eot()).rows["published"][0] == "57.5~"
    study = spec("eabs", attacks=("pgd",), axis="steps")
    sweep = {"steps": [0, 10, 50]}
    study["attacks"] = {"pgd": {**PLAIN, "sweep": sweep, "options": {**PGD, "eot": 3}}}
    cells = [cell("eabs", "pgd", first(2), eps=EPS).assign(steps=steps) for steps in (0, 10, 50)]
    found = made(tmp_path, budgets, rows(*cells), study)
    assert found.rows["published"].tolist() == ["87.5", "78", "51.5"]
    assert [line[2] for line in found.printed()] == ["0", "10", "50"]


def test_a_study_without_the_axis_has_no_rows(tmp_path: Path) -> None:
    study = spec("eabs", attacks=("pgd",), axis="restarts")
    assert made(tmp_path, budgets, SWEPT, study).rows.empty
