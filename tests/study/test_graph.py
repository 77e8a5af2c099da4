"""Models as a graph: nodes, files, modules and digests of models whose parts have parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT
from robustgen.core.digest import digest
from robustgen.nets.spec import Model
from robustgen.study import config
from robustgen.study.graph import Graph
from robustgen.study.plan import Plan

LAB = {
    "outer": "PARTS = {'inner': 'classifier', 'guard': 'classifier'}\ndef freeze(): pass\n",
    "inner": "PARTS = {'base': 'classifier'}\ndef build(): pass\ndef freeze(): pass\n",
    "net": "import lab.layers\nSHOWS = ()\ndef build(): pass\n",
    "layers": "WIDTH = 3\n",
    "teaching": "PARTS = {'teacher': 'classifier'}\nOPTIONS = {}\ndef trainer(): pass\n",
}
STUDY: dict[str, Any] = yaml.safe_load("""
study: graph
outputs: [fig_1]
datasets:
  signs: {kind: signs}
  svhn: {kind: svhn, mean: [0.1], std: [0.3]}
recipes:
  short: {trainer: supervised}
  taught: {trainer: lab.teaching, objective: {kind: gaussian, options: {sigma: 0.1}}}
models:
  first: {kind: lab.net, dataset: svhn, recipe: short}
  net: {kind: lab.net, dataset: signs, recipe: taught, parts: {start: first, teacher: judge}}
  judge: {kind: resnet, dataset: signs, recipe: short, options: {width: 4}}
  brought: {kind: preact, dataset: signs, weights: own.pt}
  inner: {kind: lab.inner, dataset: signs, recipe: short, parts: {base: net}, draws: 3}
  outer: {kind: lab.outer, dataset: signs, parts: {inner: inner, guard: judge}}
figures:
  fig_1: {kind: history, models: [outer]}
""")
WEIGHTS = "results/graph/training/{}/seed7/weights.safetensors"
SIGNS, SVHN = (f"results/graph/data/{name}/pool.json" for name in ("signs", "svhn"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the modules, from which the study is run."""
    (tmp_path / "lab").mkdir()
    for name, text in LAB.items():
        (tmp_path / "lab" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def plan() -> Plan:
    return Plan(config.checked(STUDY))


def graph() -> Graph:
    return plan().graph


def test_a_node_tells_a_job_of_the_model_and_of_all_its_parts() -> None:
    node = graph().node("outer", 7)
    own = {name: value for name, value in node.items() if name != "parts"}
    assert own == {
        "name": "outer",
        "kind": "lab.outer",
        "options": {},
        "size": 32,
        "mean": (0.5,),
        "std": (0.25,),
        "data": "results/graph/data/signs",
        "weights": None,
        "draws": 5,
    }
    inner, guard = node["parts"]["inner"], node["parts"]["guard"]
    assert (list(node["parts"]), list(inner["parts"])) == (["inner", "guard"], ["base"])
    assert (inner["weights"], inner["draws"]) == (WEIGHTS.format("inner"), 3)
    assert inner["parts"]["base"]["weights"] == WEIGHTS.format("net")
    assert (guard["options"]["width"], guard["options"]["dropout"]) == (4, 0.0)
    assert Model.of(node).parts["inner"].parts["base"].name == "net"  # as a job reads it


def test_a_node_to_be_trained_has_no_weights_yet_and_the_parts_of_its_training() -> None:
    node = graph().node("net", 7, trained=False)
    assert node["weights"] is None
    assert list(node["parts"]) == ["start", "teacher"]
    assert node["parts"]["start"]["weights"] == WEIGHTS.format("first")
    assert node["parts"]["start"]["mean"] == (0.1,)
    assert graph().node("net", 7)["parts"] == {}


@pytest.mark.parametrize(
    ("model", "trained", "files"),
    [
        ("judge", True, [SIGNS, WEIGHTS.format("judge")]),
        ("judge", False, [SIGNS]),
        ("brought", True, [SIGNS, WEIGHTS.format("brought")]),
        ("net", True, [SIGNS, WEIGHTS.format("net")]),
        ("net", False, [SIGNS, SVHN, WEIGHTS.format("first"), WEIGHTS.format("judge")]),
        ("inner", False, [SIGNS, WEIGHTS.format("net")]),
        ("outer", True, [SIGNS, *(WEIGHTS.format(name) for name in ("inner", "net", "judge"))]),
    ],
)
def test_a_job_reads_the_weights_of_all_parts_each_once(
    model: str, trained: bool, files: list[str]
) -> None:
    assert graph().files(model, 7, trained=trained) == files


def test_files_are_those_that_the_node_names() -> None:
    named = [str(path) for path in Model.of(graph().node("outer", 7)).files()]
    assert set(named) == set(graph().files("outer", 7)) - {SIGNS}


def test_modules_are_those_of_all_parts_each_once() -> None:
    resnet = "robustgen.nets.resnet"
    assert graph().modules("outer") == ["lab.outer", "lab.inner", "lab.net", resnet]
    assert graph().modules("net") == ["lab.net"]
    assert graph().modules("net", training=True) == ["lab.net", resnet]
    assert plan().training_modules("net") == [
        "lab.net",
        resnet,
        "lab.teaching",
        "robustgen.training.objectives.gaussian",
    ]
    assert plan().training_modules("brought") == ["robustgen.nets.preact"]


def test_what_stands_behind_a_model_includes_its_training_and_a_circle_ends() -> None:
    assert set(graph().behind("outer")) == {"outer", "inner", "net", "judge", "first"}
    study = plan().study
    circle = {"first": study.models["first"].model_copy(update={"parts": {"start": "outer"}})}
    broken = Graph(study.model_copy(update={"models": study.models | circle}), "x")
    assert len(list(broken.behind("first"))) == 5


@pytest.mark.parametrize("name", ["outer", "inner", "net", "layers"])
def test_a_change_of_a_parts_module_reaches_every_job_that_loads_it(
    name: str, folder: Path
) -> None:
    """layers is imported by net, which is the base of inner, which is a part of outer."""
    script, found = str(ROOT / "scripts/score.py"), graph()
    loads = {"outer": ["outer"], "inner": ["inner", "outer"]}
    loads |= {one: ["net", "first", "inner", "outer"] for one in ("net", "layers")}
    before = {model: digest(script, *found.modules(model)) for model in STUDY["models"]}
    path = folder / "lab" / f"{name}.py"
    path.write_text(f"{path.read_text()}CHANGED = 1\n")
    os.utime(path, ns=(1, 1))
    after = {model: digest(script, *found.modules(model)) for model in STUDY["models"]}
    assert {model for model in before if before[model] != after[model]} == set(loads[name])
