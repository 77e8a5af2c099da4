"""Every mistake in a configuration is one sentence before any job: a row of mistakes.txt each, and
the modules of a user's own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs import BLANK, WHOLE, changed, problems
from robustgen.core import kinds
from robustgen.core.refusal import Refused
from robustgen.study import config

NUMBER = "{'type': 'number', 'least': 0, 'default': 1.0, 'means': 'Noise.'}"
LAB = {
    "attack": "def attack():\n    pass\n",
    "net": "def build():\n    pass\n",
    "painter": "GIVES = 'generator'\ndef build(): pass\n",
    "pair": (
        "PARTS = {'judge': 'classifier', 'painter': 'generator'}\n"
        f"VIEWS = {{'noise': {NUMBER}}}\nSHOWS = ()\ndef freeze(): pass\n"
    ),
    "broken": "def attack():\n  return (\n",
    "computed": "OPTIONS = dict()\ndef attack(): pass\n",
    "odd": "OPTIONS = {'depth': 3}\ndef attack(): pass\n",
    "wordy": "TAKES = 3\ndef attack(): pass\n",
    "table": "def make(): pass\n",
    "looking": "NEEDS = ('lab.gone',)\ndef make(): pass\n",
    "watching": "NEEDS = ('lab.deep',)\ndef draw(): pass\n",
    "gazing": "NEEDS = ('lab.wide',)\ndef draw(): pass\n",
    "wide": "ON = 'attack'\ndef measure(): pass\n",
    "deep": "ON = 'attack'\nLOOKS_AT = ('codes',)\ndef measure(): pass\n",
    "figure": "NEEDS = 'gradient'\ndef draw(): pass\n",
    "told": (
        "OPTIONS = {'depth': {'type': 'whole number', 'default': 1, 'means': 'How deep.'}}\n"
        "TAKES = ('linf', 'eps', 'steps')\ndef attack(): pass\n"
    ),
    "free": "from lab.attack import attack\n",
    "bound": "import lab.attack\nattack = lab.attack.attack\n",
    "tried": "try:\n    from lab.fast import attack\nexcept ImportError:\n    def attack(): pass\n",
    "star": "from lab.attack import *\n",
}


def row(line: str) -> tuple[str, Any, str]:
    """(path, value, part of the sentence) of a line of mistakes.txt."""
    path, value, said = line.split(" | ", maxsplit=2)
    wanted = path + said if said.startswith((":", ".")) else said
    return path, BLANK if value == "(none)" else yaml.safe_load(value), wanted


def name(path: str, value: Any) -> str:
    """A row's name in a list of tests."""
    return f"{path}={'(none)' if value is BLANK else repr(value)}"[:60]


TEXT = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8")
ROWS = [row(line) for line in TEXT.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module", autouse=True)
def lab(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder from which studies are run, with modules of a user's own."""
    folder, before, path = tmp_path_factory.mktemp("checkout"), Path.cwd(), list(sys.path)
    (folder / "lab").mkdir()
    for name, text in LAB.items():
        (folder / "lab" / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "lab" / "latin.py").write_bytes(b"# \xe9\ndef attack(): pass\n")
    os.chdir(folder)
    yield folder
    os.chdir(before)
    sys.path[:] = path


def test_the_whole_study_holds_no_mistake_and_survives_json() -> None:
    study = config.checked(WHOLE)
    assert config.checked(json.loads(study.model_dump_json())) == study


def test_there_is_a_row_for_every_mistake_that_we_know() -> None:
    assert len(ROWS) >= 300
    assert len({(path, repr(value)) for path, value, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("path", "value", "said"), ROWS, ids=[name(path, value) for path, value, _ in ROWS]
)
def test_a_mistake_is_one_sentence(path: str, value: Any, said: str) -> None:
    (line,) = problems(changed(path, value, WHOLE))
    assert said in line
    assert line.isprintable()
    assert line.endswith((".", "?"))
    assert not {"tuple", "valid", "Value error"} & set(line.replace(",", " ").split())


@pytest.mark.parametrize(
    ("path", "value", "axis", "meant"),
    [
        ("attacks.he_pgd.sweep.steps", 5, "steps", (5,)),
        ("attacks.pgd.sweep.eps", "8/255", "eps", (8 / 255,)),
        ("attacks.pgd.sweep.lambda_", 1, "lambda_", (1.0,)),
        ("attacks.pgd.sweep.target", "random", "target", ("random",)),
        ("attacks.cw.sweep.eps", "unbounded", "eps", (float("inf"),)),
        ("attacks.pgd.sweep.eps", [5e-324], "eps", (5e-324,)),
    ],
)
def test_a_single_value_is_a_list_of_one(
    path: str, value: Any, axis: str, meant: tuple[Any, ...]
) -> None:
    study = config.checked(changed(path, value, WHOLE))
    assert study.attacks[path.split(".")[1]].sweep[axis] == meant
    assert config.checked(changed("seeds", 3, WHOLE)).seeds == (3,)
    assert config.checked(changed("outputs", "table_1", WHOLE)).outputs == ("table_1",)
    other = config.checked(changed("tables.table_1.models", "plain", WHOLE))
    assert other.tables["table_1"].models == ("plain",)


def test_null_takes_an_axis_and_an_option_out_as_overlays_do() -> None:
    study = config.checked(changed("attacks.cw.sweep.steps", None, WHOLE))
    assert list(study.attacks["cw"].sweep) == ["eps"]
    told = {"step": None, "rel_step": 0.25}
    assert config.checked(changed("attacks.pgd.options", told, WHOLE)).attacks["pgd"]


@pytest.mark.parametrize(
    "value", ["/a b", "$(touch x)", "it's", 'say "x"', "{word}", "a;b", "`x`", "a\tb", "naïve/日本"]
)
def test_any_other_text_may_name_a_folder(value: str) -> None:
    assert config.checked(changed("data.root", value, WHOLE)).data.root == value


@pytest.mark.parametrize("name", ["attack", "free", "bound", "tried", "star"])
def test_an_own_module_without_declarations_takes_any_option(name: str) -> None:
    entry = {
        "kind": f"lab.{name}",
        "options": {"anything": [1, {"deep": True}]},
        "sweep": {"eps": ["unbounded"], "mood": ["good", "bad"]},
    }
    found = config.checked(changed("attacks.own", entry, WHOLE)).attacks["own"]
    assert (found.options, found.sweep["mood"]) == (entry["options"], ("good", "bad"))


def test_a_job_finds_the_own_module_that_the_check_has_found(lab: Path) -> None:
    sys.path[:] = [path for path in sys.path if path != str(lab)]
    assert kinds.find("attacks", "lab.attack") == lab / "lab/attack.py"
    assert kinds.load("attacks", "lab.attack").attack() is None


@pytest.mark.parametrize("room", kinds.FUNCTIONS)
def test_an_unknown_kind_is_refused_with_the_kinds_alone(room: str) -> None:
    with pytest.raises(Refused) as caught:
        kinds.load(room, "nosuch")
    known = str(caught.value).split("known are ")[1]
    listed = known.removesuffix(", or a dotted module of your own.").split(", ")
    asked = [f"\ndef {name}(" for name in kinds.FUNCTIONS[room][0].split("|")]
    texts = {path: path.read_text(encoding="utf-8") for path in kinds.ROOT.rglob("*.py")}
    own = {
        path.stem
        for path, text in texts.items()
        if "\nOPTIONS" in text and any(one in text for one in asked)
    }
    assert set(listed) <= own
    assert not {"job", "types", "library", "loop", "style", "pool", "inputs"} & set(listed)


def test_looking_for_an_own_module_runs_none_of_it(lab: Path) -> None:
    (lab / "armed").mkdir()
    for name in ("__init__", "attack"):
        text = "raise SystemExit('run')\ndef attack(): pass\n"
        (lab / "armed" / f"{name}.py").write_text(text, encoding="utf-8")
    assert config.checked(changed("attacks.own", {"kind": "armed.attack"}, WHOLE))
