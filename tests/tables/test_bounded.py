"""Tables 2.2 to 2.5 on rows by hand: lines, published values in their place with their marks, and
what is said of pairs.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bounded import ATTACKS, EPS, EPS_L2, PGD, PLAIN, cell, facts, rows, spec
from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN, axes_of, write_rows
from robustgen.stats.intervals import share
from robustgen.tables import bounded, published
from robustgen.tables.published_bounded import of_line

N = 30
PAPER = published.read(ROOT / "config/paper.csv")


def first(count: int) -> list[float]:
    return [float(place < count) for place in range(N)]


SCORES = rows(
    cell("cnn", CLEAN, first(2)),
    cell("cnn", "pgd", first(N), distance=EPS),
    cell("cnn", "ddn", first(N), eps=math.inf, distance=0.5),
    cell("eabs", CLEAN, first(3)),
    cell("eabs", "pgd", first(12), distance=EPS),
    cell("eabs", "ddn", first(N), eps=math.inf, distance=[1.0] * 20 + [2.0] * 10),
)
SPEC = spec("cnn", "eabs", attacks=("pgd", "ddn"), l2=[EPS_L2])


def made(tmp_path: Path, scores: pd.DataFrame = SCORES, study: dict[str, Any] = SPEC) -> Any:
    path = str(tmp_path / "scores.parquet")
    write_rows(path, scores, unit="image", axes=axes_of(scores))
    return bounded.make({"scores": [path]}, spec=study, paper=PAPER, absent=" Gone.")


def test_a_line_per_attack_and_worst_case_with_the_thesis_in_parentheses(tmp_path: Path) -> None:
    """E-ABS: 30 - 3 right unattacked, 18 under PGD, 10 under DDN within 1.5."""
    table = made(tmp_path)
    printed = [dict(zip(table.columns, line, strict=True)) for line in table.printed()]
    names = [CLEAN, "pgd", "All L_inf", "ddn", "All L_2", "All attacks"]
    assert [line["attack"] for line in printed] == names
    assert [line["eps"] for line in printed] == ["", "8/255", "8/255", "1.5", "1.5", ""]
    low, high = (100 * bound for bound in share(18, N)[1:])
    assert printed[1]["eabs"] == f"60.0 [{low:.1f}, {high:.1f}] (57)"
    assert [line["eabs"].split(" [")[0] for line in printed] == [
        "90.0", "60.0", "60.0", "33.3", "33.3", "33.3"
    ]  # fmt: skip
    assert [line["eabs"].rpartition(" ")[2] for line in printed][2::2] == ["(55.7~)", "(36~)"]
    assert printed[0]["cnn"].endswith("(91.3)")
    assert {line["n"] for line in printed} == {str(N)}


def test_the_note_names_the_pairs_that_cannot_be_told_apart(tmp_path: Path) -> None:
    """Under all L_inf attacks 18 images are right by E-ABS alone, p = 2 / 2^18."""
    note = made(tmp_path).note
    assert "different at 0.01. Data" in note
    assert note.endswith("Data: svhn. Gone.")
    alike = rows(*(cell(name, one, first(3), distance=0.0) for name in ("cnn", "eabs")
                   for one in (CLEAN, "pgd")))  # fmt: skip
    assert "not so: cnn and eabs (All L_inf at 8/255). Data" in made(tmp_path, alike).note


def test_models_of_several_data_sets_are_refused(tmp_path: Path) -> None:
    study = {**SPEC, "models": {"cnn": facts("cnn"), "eabs": {**facts("eabs"), "dataset": "mnist"}}}
    with pytest.raises(Refused, match="Models of svhn, mnist share no images"):
        made(tmp_path, study=study)


def said(
    attack: str, norm: str = "linf", eps: float = EPS, *, published: str = "svhn",
    model: str = "eabs", **entry: Any
) -> str:  # fmt: skip
    study = spec("cnn", "eabs", "other")
    study["models"][model]["published"] = published
    study["attacks"] = {**ATTACKS, attack: {**ATTACKS.get(attack, PLAIN), "norm": norm, **entry}}
    return of_line(PAPER, study, model, norm=norm, eps=eps, attack=attack)


def test_published_values_stand_beside_the_cells_of_the_thesis_alone() -> None:
    assert said("pgd") == "57"
    assert said("pgd", "l2", 1.5, model="cnn") == "0"
    assert said("pgd", eps=0.3, published="mnist", options={**PGD, "restarts": 5}) == "17.1"
    assert said("pgd", eps=0.1) == ""
    assert said("pgd", published="") == ""
    assert said("pgd", model="other") == ""
    assert said("pgd", made_on="cnn") == ""
    assert said("pgd", options={**PGD, "target": "random"}) == ""
    assert said("pgd", kind="square") == ""


def test_marks_tell_misprints_and_other_protocols() -> None:
    """Table 2.4, L_2: DeepFool 93.3 is above clean; table 2.3, L_inf: Noise 0.9."""
    deepfool = {"kind": "foolbox", "options": {"name": "L2DeepFool"}, "sweep": {"steps": [100]}}
    assert said("deepfool", "l2", 1.5, published="supertraffic10", **deepfool) == "93.3!"
    assert said("noise", eps=0.1, published="fashion_mnist", kind="growing_noise") == "0.9!"
    assert said("pgd", options={**PGD, "restarts": 5}) == "57~"
    assert said("pgd", sweep={"steps": [40]}) == "57~"
    assert said("pgd", options={**PGD, "eot": 1}) == "57~"
    options = {"name": "L2CarliniWagner", "binary_search_steps": 5}
    cw = {"kind": "foolbox", "sweep": {"steps": [100]}, "options": options}
    assert said("cw", "l2", 1.5, **cw) == "47.6"


def test_the_worst_case_is_unmarked_where_it_is_of_the_thesis_attacks() -> None:
    study = spec("eabs", attacks=("pgd", "moved"))
    nearest = {**PLAIN, "kind": "foolbox", "options": {"name": "LinfDeepFool"}}
    study["attacks"]["deepfool"] = {**nearest, "sweep": {"steps": [100]}}
    study["attacks"]["noise"] = {**PLAIN, "kind": "growing_noise"}
    assert of_line(PAPER, study, "eabs", norm="linf", eps=EPS, attack="all") == "55.7"
    study["attacks"]["moved"] = {**ATTACKS["moved"], "made_on": "eabs"}  # on itself
    assert of_line(PAPER, study, "eabs", norm="linf", eps=EPS, attack="all") == "55.7"
    study["attacks"]["square"] = {**PLAIN, "kind": "square"}
    assert of_line(PAPER, study, "eabs", norm="linf", eps=EPS, attack="all") == "55.7~"
