"""Tables of chapter 4 on rows by hand: what the note says first, published values in their place
and nowhere else.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT
from robustgen.core.rows import CLEAN, with_axes, write_rows
from robustgen.tables import certified, inference, published
from robustgen.tables.published_smoothing import said_of, table_4

EPS = 2 / 255
BASE: dict[str, Any] = {
    "dataset": "cifar10",
    "merged": [],
    "published": "cifar10",
    "kind": "resnet",
    "options": {"blocks": [2, 2, 2, 2], "width": 64},
    "objective": {"kind": "standard"},
    "family": "bare",
    "parts": {},
}
AROUND = {
    **BASE,
    "kind": "variational",
    "options": {"eps": EPS, "steps": 1},
    "parts": {"base": "net"},
}
STANDARD = {"kind": "autoattack", "made_on": None, "options": {"version": "standard"}}
SPEC: dict[str, Any] = {
    "models": {"net": BASE, "around": AROUND},
    "attacks": {"aa": STANDARD, "transfer": {**STANDARD, "made_on": "net"}},
    "options": {"reported": "aa"},
}
N = 60


def scores(model: str, attack: str, fooled: int) -> pd.DataFrame:
    frame = pd.DataFrame({"index": range(N), "success": [i < fooled for i in range(N)]})
    eps = 0.0 if attack == CLEAN else EPS
    named = {"dataset": "cifar10", "model": model, "seed": 0, "attack": attack, "eps": eps}
    return frame.assign(**named, split="test", label=0)


def made(tmp_path: Path, transfer: int, spec: dict[str, Any] = SPEC) -> Any:
    """The table where AutoAttack fools 40 images of the net and 20 of the classifier around it."""
    cells = [scores(model, CLEAN, 2) for model in ("net", "around")]
    cells += [scores("net", "aa", 40), scores("around", "aa", 20)]
    cells += [scores("net", "transfer", 40), scores("around", "transfer", transfer)]
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("scores", "passes")}
    write_rows(paths["scores"], with_axes(pd.concat(cells), ("eps",)), unit="image")
    named = {"dataset": "cifar10", "seed": 0, "attack": CLEAN}
    passes = pd.DataFrame(
        [
            {"model": "net", "forwards": 1.0, "backwards": 0.0},
            {"model": "around", "forwards": 60.0, "backwards": 10.0},
        ]
    ).assign(**named)
    write_rows(paths["passes"], with_axes(passes, ()), unit="set")
    files = {"scores": [paths["scores"]], "inference_passes": [paths["passes"]]}
    paper = published.read(ROOT / "config/paper.csv")
    return inference.make(files, spec=spec, paper=paper, absent="")


@pytest.mark.parametrize(
    ("transfer", "said"),
    [
        (20, "so that a gain remains"),
        (40, "no gain can be told from none"),
        (58, "accuracy is lost"),
    ],
)
def test_the_note_says_first_what_the_worst_case_leaves(
    tmp_path: Path, transfer: int, said: str
) -> None:
    note = made(tmp_path, transfer).note
    assert note.startswith("around at 2/255: under aa it gains 33.3 [")
    assert said in note.split(". ")[0]


def test_published_values_stand_beside_the_cells_of_the_thesis_alone(tmp_path: Path) -> None:
    """Table 4.1: Bare pretrained 92.5 and 20.3, with inference 92.8 and 30.6."""
    table = made(tmp_path, 40)
    found = table.rows.set_index(["model", "attack"])[["published_clean", "published_adversarial"]]
    assert tuple(found.loc[("net", "aa")]) == ("92.5", "20.3")
    assert tuple(found.loc[("around", "aa")]) == ("92.8", "30.6")
    others = found.drop([("net", "aa"), ("around", "aa")])
    assert (others == "").all(axis=None)
    passes = table.rows.set_index("model")["passes"]
    assert (passes["around"].iloc[0], passes["net"].iloc[0]) == (80, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"models.around.options": {"eps": EPS, "steps": 10}},
        {"models.around.options": {"eps": EPS, "steps": 1, "sigma": 0.1}},
        {"models.around.options": {"eps": 2 * EPS, "steps": 1}},
        {"models.net.options": {"blocks": [1, 1, 1, 1], "width": 64}},
        {"models.net.objective": {"kind": "adversarial"}},
        {"attacks.aa.options": {"version": "custom"}},
        {"attacks.aa.made_on": "net"},
    ],
)
def test_another_setting_has_no_published_value(change: dict[str, Any]) -> None:
    spec = copy.deepcopy(SPEC)
    for path, value in change.items():
        room, name, key = path.split(".")
        spec[room][name][key] = value
    paper = published.read(ROOT / "config/paper.csv")
    assert table_4(paper, spec=SPEC, model="around", attack="aa", eps=EPS)
    assert table_4(paper, spec=spec, model="around", attack="aa", eps=EPS) == {}


@pytest.mark.parametrize(
    ("objective", "family", "row"),
    [
        ({"kind": "gaussian", "sigma": 0.05}, "bare_gaussian", ("92.7", "64.2")),
        ({"kind": "own weights"}, "wong2020fast", None),
    ],
)
def test_rows_of_the_other_base_models(
    objective: dict[str, Any], family: str, row: tuple[str, str] | None
) -> None:
    spec = copy.deepcopy(SPEC)
    spec["models"]["net"] |= {"objective": objective, "family": family}
    paper = published.read(ROOT / "config/paper.csv")
    found = table_4(paper, spec=spec, model="net", attack="aa", eps=EPS)
    assert found == ({"clean": row[0], "adversarial": row[1]} if row else {})
    robust = table_4(paper, spec=spec, model="net", attack="aa", eps=8 / 255)
    assert robust == ({} if row else {"clean": "83.3", "adversarial": "43.2"})


def test_what_a_model_does_at_inference_is_said_in_words() -> None:
    assert said_of(BASE) == "none"
    assert said_of(AROUND) == "1 step, d = 2/255"
    options = {"eps": 8 / 255, "steps": 10, "kl": True}
    assert said_of({**AROUND, "options": options}) == "10 steps, d = 8/255, kl"
    randomized = {**AROUND, "kind": "randomized", "options": {"sigma": 0.25}}
    assert said_of(randomized) == "randomized smoothing, sd 0.25"


def test_certified_accuracy_counts_right_classes_within_the_radius(tmp_path: Path) -> None:
    """Of five images: two certified and right, one certified wrongly, one right below the radius,
    one abstained.
    """
    named = {"dataset": "cifar10", "model": "net", "seed": 0, "attack": CLEAN, "split": "test"}
    votes = {"selected": [0, 0, 1, 0, 0], "radius": [0.5, 0.6, 0.7, 0.1, 0.0]}
    rows = pd.DataFrame({"index": range(5), **votes, "predicted": [0, 0, 1, 0, -1]}).assign(
        **named, hits=90, votes=100
    )
    paths = [str(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    write_rows(paths[0], with_axes(rows, ()), unit="image")
    clean = pd.DataFrame({"index": range(5), "label": 0}).assign(**named, success=False)
    write_rows(paths[1], with_axes(clean, ()), unit="image")
    spec = {"models": {"net": {**BASE, "kind": "randomized", "options": {}}}}
    spec["options"] = {"radii": [0, 0.5, 1.0]}
    files = {"certificate": paths[:1], "clean": paths[1:]}
    table = certified.make(files, spec=spec, paper=pd.DataFrame(), absent="")
    assert list(table.rows["certified"]) == [3 / 5, 2 / 5, 0]
    assert set(table.rows["right"]) == {3 / 5}
    assert set(table.rows["abstains"]) == {1 / 5}
