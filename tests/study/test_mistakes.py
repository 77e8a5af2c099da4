"""Every mistake in a configuration is one sentence before any job: a row per mistake, and the
declarations that find them.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from configs import problems
from mistakes import ATTACKS, BLANK, DATA, KINDS, LISTS, MODELS, SHOWN, TYPES
from robustgen.core import kinds
from robustgen.core.refusal import Refused
from robustgen.study import config

EVALUATE = {"reference": 200, "validation": 150, "test": 150}
WHOLE: dict[str, Any] = {  # a study without a mistake, in which most kinds stand
    "study": "mine",
    "outputs": ["table_1", "fig_2a", "net_training"],
    "datasets": {
        "digits": {"kind": "digits", "validation": 300, "evaluate": EVALUATE},
        "signs": {"kind": "signs", "evaluate": EVALUATE},
        "mnist": {"kind": "mnist", "size": 28},
        "svhn": {"kind": "svhn"},
        "gtsrb": {"kind": "gtsrb"},
        "npz": {"kind": "npz", "options": {"folder": "mine"}},
    },
    "recipes": {
        "short": {"epochs": 4},
        "steps": {"epochs": 4, "schedule": "multistep", "milestones": [2]},
        "robust": {"objective": {"kind": "adversarial", "eps": "8/255"}},
        "noisy": {"objective": {"kind": "gaussian", "sigma": 0.1}},
    },
    "models": {
        "plain": {"dataset": "digits", "recipe": "short", "options": {"dropout": 0.2}},
        "robust": {"dataset": "digits", "recipe": "robust", "start_from": "plain"},
    },
    "attacks": {
        "pgd": {"steps": [0, 5], "step": "1/255"},
        "noise": {"kind": "noise", "steps": [1]},
        "evade": {"kind": "evade", "options": {"detector": "two_sided"}},
        "apgd": {"kind": "torchattacks", "options": {"name": "APGD"}},
        "fgsm": {"kind": "torchattacks", "steps": [1], "options": {"name": "FGSM"}},
        "cw": {
            "kind": "torchattacks",
            "norm": "l2",
            "eps": ["unbounded"],
            "options": {"name": "CW"},
        },
        "ddn": {"kind": "foolbox", "norm": "l2", "eps": ["unbounded"], "options": {"name": "DDN"}},
        "standard": {"kind": "autoattack", "steps": [100]},
        "custom": {
            "kind": "autoattack",
            "options": {"version": "custom", "attacks": ["apgd-ce", "square"], "n_queries": 10},
        },
    },
    "detectors": {
        "energy": {"kind": "energy"},
        "band": {"kind": "unnatural", "options": {"statistic": "one_class"}},
        "kd_bu": {"kind": "kd_bu", "fit": "pgd", "noise": "noise"},
        "lid": {"kind": "lid", "fit": "pgd", "noise": "noise", "options": {"k": 10, "batch": 50}},
    },
    "tables": {
        "table_1": {
            "models": ["plain"],
            "attacks": ["pgd"],
            "detectors": ["energy", "lid", "kd_bu"],
        },
        "grid": {"kind": "matrix", "options": {"value": "joint"}},
    },
    "figures": {
        "fig_2a": {
            "kind": "histogram",
            "models": ["plain"],
            "attacks": ["pgd"],
            "options": {"steps": 5},
        },
        "net_training": {"kind": "history", "models": ["plain"]},
        "paths": {"kind": "trajectories", "options": {"shown": 3}},
        "bins": {"kind": "reliability"},
    },
}


def mistaken(path: str, value: Any) -> dict[str, Any]:
    """The whole study with one key changed, added or taken out."""
    raw = copy.deepcopy(WHOLE)
    *way, last = path.split(".")
    block = raw
    for part in way:
        block = block.setdefault(part, {})
    if value is BLANK:
        del block[last]
    else:
        block[last] = value
    return raw


def test_the_whole_study_holds_no_mistake_and_survives_json() -> None:
    study = config.checked(WHOLE)
    assert config.checked(json.loads(study.model_dump_json())) == study


LAB = {
    "attack": "def attack():\n    pass\n",
    "net": "def build():\n    pass\n",
    "broken": "def attack():\n  return (\n",
    "computed": "OPTIONS = dict()\ndef attack(): pass\n",
    "odd": "OPTIONS = {'depth': 3}\ndef attack(): pass\n",
    "table": "def make(): pass\n",
    "figure": "NEEDS = 'score'\ndef draw(): pass\n",
    "told": (
        "OPTIONS = {'depth': {'type': 'whole number', 'default': 1, 'means': 'How deep.'}}\n"
        "TAKES = ('linf', 'eps', 'steps')\ndef attack(): pass\n"
    ),
    "free": "from lab.attack import attack\n",
    "bound": "import lab.attack\nattack = lab.attack.attack\n",
    "tried": "try:\n    from lab.fast import attack\nexcept ImportError:\n    def attack(): pass\n",
    "star": "from lab.attack import *\n",
}
ROWS = [*LISTS, *TYPES, *DATA, *MODELS, *ATTACKS, *SHOWN, *KINDS]


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


def test_there_is_a_row_for_every_mistake_that_we_know() -> None:
    assert len(ROWS) >= 120
    assert len({(path, repr(value)) for path, value, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("path", "value", "said"), ROWS, ids=[f"{path}={value!r}"[:60] for path, value, _ in ROWS]
)
def test_a_mistake_is_one_sentence(path: str, value: Any, said: str) -> None:
    (line,) = problems(mistaken(path, value))
    assert said in line
    assert line.isprintable()
    assert line.endswith((".", "?"))
    assert not {"tuple", "valid", "Value error"} & set(line.replace(",", " ").split())


@pytest.mark.parametrize(
    ("path", "value", "place", "meant"),
    [
        ("attacks.pgd.steps", 5, "steps", (5,)),
        ("attacks.pgd.eps", "8/255", "eps", (8 / 255,)),
        ("attacks.pgd.weight", 1, "weight", (1.0,)),
        ("attacks.cw.eps", "unbounded", "eps", (float("inf"),)),
        ("attacks.noise.steps", 0, "steps", (0,)),
        ("attacks.noise", {"kind": "noise"}, "steps", (40,)),
        ("attacks.pgd.eps", [5e-324], "eps", (5e-324,)),
    ],
)
def test_a_single_value_is_a_list_of_one(
    path: str, value: Any, place: str, meant: tuple[Any, ...]
) -> None:
    study = config.checked(
        mistaken(path, value)
        | {
            "figures": WHOLE["figures"] | {"fig_2a": {"kind": "histogram"}},
            "seeds": 3,
            "outputs": "table_1",
        }
    )
    assert getattr(study.attacks[path.split(".")[1]], place) == meant
    assert (study.seeds, study.outputs) == ((3,), ("table_1",))
    assert config.checked(mistaken("tables.table_1.models", "plain")).tables["table_1"].models == (
        "plain",
    )


@pytest.mark.parametrize(
    "value", ["/a b", "$(touch x)", "it's", 'say "x"', "{word}", "a;b", "`x`", "a\tb", "naïve/日本"]
)
def test_any_other_text_may_name_a_folder(value: str) -> None:
    assert config.checked(mistaken("data.root", value)).data.root == value


@pytest.mark.parametrize("name", ["attack", "free", "bound", "tried", "star"])
def test_an_own_module_without_declarations_takes_any_option(name: str) -> None:
    entry = {
        "kind": f"lab.{name}",
        "options": {"anything": [1, {"deep": True}]},
        "restarts": 9,
        "eps": ["unbounded"],
    }
    assert config.checked(mistaken("attacks.own", entry)).attacks["own"].options == entry["options"]


def test_a_job_finds_the_own_module_that_the_check_has_found(lab: Path) -> None:
    sys.path[:] = [path for path in sys.path if path != str(lab)]
    assert kinds.find("attacks", "lab.attack") == lab / "lab/attack.py"
    assert kinds.load("attacks", "lab.attack").attack() is None


@pytest.mark.parametrize("room", kinds.FUNCTIONS)
def test_an_unknown_kind_is_refused_with_the_kinds_alone(room: str) -> None:
    with pytest.raises(Refused) as caught:
        kinds.load(room, "nosuch")
    listed = (
        str(caught.value)
        .split("known are ")[1]
        .removesuffix(", or a dotted module of your own.")
        .split(", ")
    )
    folder = kinds.ROOT.joinpath(*room.split("."))
    assert listed == sorted(
        path.stem
        for path in folder.glob("*.py")
        if (f"def {kinds.FUNCTIONS[room][0]}(") in path.read_text()
    )
    assert not {"job", "types", "library", "table", "style", "pool"} & set(listed)


def test_looking_for_an_own_module_runs_none_of_it(lab: Path) -> None:
    (lab / "armed").mkdir()
    for name in ("__init__", "attack"):
        (lab / "armed" / f"{name}.py").write_text(
            ("raise SystemExit('run')\ndef attack(): pass\n"), encoding="utf-8"
        )
    assert config.checked(mistaken("attacks.own", {"kind": "armed.attack"}))
