"""What modules of a user's own give back is checked where they give it, in a sentence that names
the module.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import draw_figure
import load_data
import make_table
from conftest import ROOT
from norms import generator
from robustgen.attacks import sweep
from robustgen.attacks.sweep import Sweep
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.contracts import Broken, RefusedModule, blamed
from robustgen.core.refusal import Refused
from robustgen.jobs import score as measures

EPS = 8 / 255
Own = Callable[[str], str]  # a module's text -> its kind

# --- who is blamed
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def make():\n    raise OSError",
            (r"failed with OSError: without a text \(lab\d+/mine.py, line 2\); mend"),
        ),
        (
            "def make():\n    return int('x')",
            (r"failed with ValueError: invalid .* \(lab\d+/mine.py, line 2\)"),
        ),
        (
            "import torch\ndef make():\n    torch.zeros(2) @ torch.zeros(3)",
            r"failed with RuntimeError: .* \(lab\d+/mine.py, line 3\)",
        ),
        (
            "def make(more):\n    pass",
            (r"failed with TypeError: make\(\) missing .* \(where the project calls it\)"),
        ),
        (
            "def other():\n    pass",
            (
                r"failed with AttributeError: .* has no attribute 'make' \(where the project calls "
                r"it\)"
            ),
        ),
        (
            "import no_such_module",
            (r"failed with ModuleNotFoundError: .* \(lab\d+/mine.py, line 1\)"),
        ),
        ("def make(:", r"failed with SyntaxError: .* \(lab\d+/mine.py, line 1\)"),
    ],
)
def test_an_exception_of_a_users_module_is_one_sentence_with_its_line(
    own: Own, text: str, words: str
) -> None:
    from robustgen.core import kinds

    kind = own(text)
    with (
        pytest.raises(RefusedModule, match=rf"^Attack {kind} at eps 1 {words}") as found,
        blamed("Attack", kind, at=" at eps 1"),
    ):
        kinds.load("attacks", kind).make()
    assert "\n" not in str(found.value)
    assert found.value.__cause__ is not None


def test_refusals_pass_and_the_projects_own_defects_keep_their_traceback(own: Own) -> None:
    with pytest.raises(Refused, match=r"^as it is$"), blamed("Attack", own("")):
        raise Refused("as it is")
    with pytest.raises(OSError, match="disk"), blamed("Attack", "pgd"):
        raise OSError("disk")
    with pytest.raises(KeyError), blamed("Attack", own("")):
        _a_defect_of_ours({})
    with pytest.raises(RefusedModule, match=r"^Attack pgd: too long$"), blamed("Attack", "pgd"):
        raise Broken("too long")


def _a_defect_of_ours(values: dict[str, int]) -> int:
    return values["gone"]


# --- attacks --------------------------------------------------------------------------------------
# ---------------

ATTACK = """
import torch
from robustgen.attacks.types import Attacked

def attack(classifier, images, labels, *, spec, generator):
    n = len(images)
    success = torch.zeros(n, dtype=torch.bool)
    return {}
"""


def attacked(kind: str, **changes: Any) -> list[Attacked]:
    given = {"kind": kind, "eps": (EPS,), "steps": (3,), "step": 0.01, **changes}
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 4)).requires_grad_(False)
    x = torch.rand(5, 3, 4, 4, generator=generator())
    return list(sweep.run(model, x, torch.zeros(5).long(), sweep=Sweep(**given), seed=0))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "images",
            (
                r"an attack returns robustgen.*Attacked\(images, success, forwards, backwards\), "
                r"not Tensor\."
            ),
        ),
        ("None", "not NoneType"),
        (
            "Attacked(images[:2], success[:2], 1, 1)",
            r"must be Tensor float32 \[5, 3, 4, 4\], .* not Tensor float32 \[2, 3, 4, 4\]",
        ),
        ("Attacked(images.double(), success, 1, 1)", r"not Tensor float64 \[5, 3, 4, 4\]"),
        ("Attacked(images.numpy(), success, 1, 1)", "must be a float tensor .*not ndarray float32"),
        ("Attacked(images * float('nan'), success, 1, 1)", "5 of 5 attacked images hold NaN"),
        ("Attacked(images - 1, success, 1, 1)", r"must lie in \[0,1\]; they lie in \[-.*clip them"),
        (
            "Attacked((images + 2 * spec.eps).clamp(0, 1), success, 1, 1)",
            (r"5 of 5 .* 0\.062.* in linf, beyond eps = 0\.0313"),
        ),
        ("Attacked(images.add_(0.1).clamp_(0, 1), success, 1, 1)", r"beyond eps = 0\.0313"),
        (
            "Attacked(images, success.float(), 1, 1)",
            (r"success must be a bool tensor \[5\].*not Tensor float32 \[5\]"),
        ),
        ("Attacked(images, success[:, None], 1, 1)", r"not Tensor bool \[5, 1\]"),
        (
            "Attacked(images, success, -1, 1)",
            ("forwards, passes per image, must be a number of at least 0, not -1"),
        ),
        ("Attacked(images, success, 1, float('nan'))", "backwards, .* not nan"),
        ("Attacked(images, success, torch.ones(5), 1)", "forwards, .* not tensor"),
        ("1 / 0", r"failed with ZeroDivisionError: division by zero \(lab\d+/mine.py, line 8\)"),
    ],
)
def test_what_an_attack_returns_is_checked_and_its_module_and_cell_are_named(
    own: Own, answer: str, words: str
) -> None:
    kind = own(ATTACK.format(answer))
    with pytest.raises(
        RefusedModule, match=(rf"^Attack {kind} at eps 0.0313725, 3 steps, weight 0:? .*{words}")
    ):
        attacked(kind)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_rounding_is_no_breach_and_an_attack_may_leave_gradients_on_its_images(
    own: Own, norm: str
) -> None:
    step = (
        "delta.sign() * spec.eps"
        if norm == "linf"
        else ("delta * spec.eps / delta.flatten(1).norm(dim=1)[:, None, None, None]")
    )
    text = ATTACK.replace(
        "n = len(images)",
        (f"n, delta = len(images), torch.ones_like(images)\n    moved = images + ({step})"),
    )
    (found,) = attacked(
        own(text.format("Attacked(moved.clamp(0, 1).requires_grad_(), success, 1, 1)")), norm=norm
    )
    assert len(found.images) == 5


@pytest.mark.parametrize(("eps", "declared"), [(float("inf"), ""), (0.1, "BALL = False\n")])
def test_without_a_ball_no_distance_is_asked_for(own: Own, eps: float, declared: str) -> None:
    kind = own(declared + ATTACK.format("Attacked(1 - images, success, 0, 0)"))
    assert len(attacked(kind, eps=(eps,))) == 1


def test_a_shared_trajectory_must_hold_every_step_count(own: Own) -> None:
    text = ATTACK.format("{3: Attacked(images, success, 0, 0)}").replace(
        "generator)", "generator, at)"
    )
    kind = own(text.replace("def attack", "def snapshots"))
    assert len(attacked(kind)) == 1
    with pytest.raises(RefusedModule, match=f"Attack {kind} at eps .*, 9 steps.* KeyError: 9"):
        attacked(kind, steps=(3, 9))


def test_an_attack_that_works_in_place_harms_no_other_cell(own: Own) -> None:
    kind = own(ATTACK.format("Attacked(images.mul_(1 - spec.eps / 2), success, 1, 1)"))
    first, second = attacked(kind, steps=(1, 2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"norm": "Linf"}, "norm must be one of linf, l2, not 'Linf'"),
        ({"target": "rnd"}, "target must be one of none, random, least_likely, not 'rnd'"),
        ({"eps": 8}, "eps is 8, but images lie in .*8/255"),
        ({"eps": -0.1}, "eps must be a number of at least 0, not -0.1"),
        ({"eps": float("nan")}, "eps must be a number"),
        ({"eps": "8/255"}, "eps must be a number"),
        ({"step": -1.0}, "step must be a number of at least 0"),
        ({"step": float("nan")}, "step must be a number of at least 0"),
        ({"steps": -1}, "steps must be a whole number of at least 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"restarts": 0}, "restarts must be a whole number of at least 1"),
        ({"eot": 0}, "eot must be a whole number of at least 1"),
        ({"weight": float("inf")}, "weight must be a finite number"),
    ],
)
def test_a_spec_that_no_attack_can_mean_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Spec(**{"eps": EPS, "step": 0.01, "steps": 3, **wrong})


@pytest.mark.parametrize(
    "fine",
    [{"eps": 8, "norm": "l2"}, {"eps": float("inf"), "step": float("inf")}, {"eps": 0, "steps": 0}],
)
def test_a_spec_that_means_something_is_not(fine: dict[str, Any]) -> None:
    Spec(**{"eps": EPS, "step": 0.01, "steps": 3, **fine})


@pytest.mark.parametrize(
    "axis",
    [
        {"steps": (0, 5, 5)},
        {"eps": (EPS, 0.031372549)},
        {"weight": (0.5, 0.5)},
        {"steps": ()},
        {"eps": ()},
    ],
)
def test_a_sweep_holds_no_cell_twice(axis: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="must be a list of different values"):
        Sweep(**{"kind": "pgd", "eps": (EPS,), "steps": (3,), **axis})


# --- measures, tables, figures, data sets
# ------------------------------------------------------------------------

PREPARE = """
import numpy as np

def prepare(model, reference, *, options, generator):
    def measure(seen, natural):
        n = len(seen.logits)
        return {}
    return measure
"""


def measured(kind: str) -> dict[str, np.ndarray]:
    """The columns that a measure gives for four images."""
    settings: Any = SimpleNamespace(study_seed=0, seed=0, model="m")
    four: Any = SimpleNamespace(logits=torch.zeros(4, 2))
    prepared: Any = measures._prepare(settings, "mine", {"kind": kind, "options": {}}, None, None)  # type: ignore[arg-type]
    return prepared(four, four)


def test_the_columns_of_a_measure_bear_its_detectors_name(own: Own) -> None:
    assert list(measured(own(PREPARE.format("{'depth': np.zeros(n)}")))) == ["mine.depth"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "np.zeros(n)",
            (r"a measure must give a dict of column -> array \[n\], not ndarray float64 \[4\]"),
        ),
        ("{}", "a measure must give a dict"),
        ("{'a b': np.zeros(n)}", "a column is named by letters, digits and underscores, not 'a b'"),
        ("{0: np.zeros(n)}", "named by letters, .* not 0"),
        (
            "{'depth': np.zeros(n + 1)}",
            (r"column depth must be a numpy array of numbers \[4\].*not ndarray float64 \[5\]"),
        ),
        ("{'depth': seen.logits[:, 0]}", r"not Tensor float32 \[4\]"),
        ("{'depth': np.array(['a'] * n)}", "must be a numpy array of numbers"),
        ("{'depth': np.full(n, np.nan)}", "column depth is infinite or NaN for 4 of 4 images"),
        ("{'depth': 1 / 0}", r"failed with ZeroDivisionError: .* \(lab\d+/mine.py, line 7\)"),
    ],
)
def test_what_a_measure_gives_is_checked(own: Own, answer: str, words: str) -> None:
    kind = own(PREPARE.format(answer))
    with pytest.raises(RefusedModule, match=f"^Measure mine of kind {kind}:? .*{words}"):
        measured(kind)


def test_a_measure_is_prepared_as_a_function(own: Own) -> None:
    with pytest.raises(
        RefusedModule, match=("prepare must return a function of activations, not a float")
    ):
        measured(own("def prepare(model, reference, *, options, generator):\n    return 0.5"))


MAKE = """
import pandas as pd
from matplotlib.figure import Figure
from robustgen.tables.table import Table, text
from robustgen.figures.style import Picture
from robustgen.data.pool import Pool
NEEDS = ("scores",)
ROWS = pd.DataFrame({{"model": ["a"]}})

def make(files, *, spec, paper, absent):
    return {0}

def draw(files, *, spec, absent):
    return {0}

def load(*, size, root, options):
    return {0}
"""


@pytest.mark.parametrize(
    ("script", "answer", "words"),
    [
        (
            make_table,
            "ROWS",
            (r"make must return robustgen.*Table\(title, note, rows, columns\), not a DataFrame"),
        ),
        (
            make_table,
            "Table('t', None, ROWS, {'m': text('model')})",
            ("a Table's note must be a str, not a NoneType"),
        ),
        (
            make_table,
            "Table('t', 'n', [1], {'m': text('model')})",
            ("rows must be a DataFrame, not a list"),
        ),
        (make_table, "Table('t', 'n', ROWS, ['model'])", "columns must be a dict, not a list"),
        (
            make_table,
            "Table('t', 'n', ROWS, {'m': 'model'})",
            ("headings with functions that print a row as text"),
        ),
        (
            make_table,
            "Table('t', 'n', ROWS, {'m': len})",
            ("column 'm' must print each row as text, not as a int"),
        ),
        (
            make_table,
            "Table('t', 'n', ROWS, {'m': text('modle')})",
            ("column 'm' asks for 'modle'; the rows hold model"),
        ),
        (
            make_table,
            "paper.loc['gone']",
            (r"failed with KeyError: 'gone' \(lab\d+/mine.py, line 11\)"),
        ),
        (
            draw_figure,
            "Figure()",
            (r"draw must return robustgen.*Picture\(figure, title, caption\), not a Figure"),
        ),
        (
            draw_figure,
            "Picture(None, 't', 'c')",
            ("a Picture's figure must be a Figure, not a NoneType"),
        ),
        (draw_figure, "Picture(Figure(), 't', 3)", "a Picture's caption must be a str, not a int"),
        (
            draw_figure,
            "open('gone/file')",
            (r"failed with FileNotFoundError: .* \(lab\d+/mine.py, line 14\)"),
        ),
        (
            load_data,
            "ROWS",
            (r"load must return robustgen.*Pool\(images, labels, part, names\), not a DataFrame"),
        ),
        (
            load_data,
            "open('gone/file')",
            (r"failed with FileNotFoundError: .* \(lab\d+/mine.py, line 17\)"),
        ),
    ],
)
def test_what_tables_figures_and_data_sets_give_is_checked(
    own: Own, script: Any, answer: str, words: str
) -> None:
    kind = own(MAKE.format(answer))
    Path("scores").touch()
    given = {"--spec": "{}", "--files": '{"scores": ["scores"]}', "--out": "out.csv"}
    more = {
        make_table: {"--paper": str(ROOT / "config/paper.csv")},
        load_data: {"--size": "8", "--out": "out.csv"},
    }
    flags = more[script] if script is load_data else given | more.get(script, {})
    with pytest.raises(RefusedModule, match=f"^(Table|Figure|Data set) {kind}:? .*{words}"):
        script.main(["--kind", kind, *(word for pair in flags.items() for word in pair)])
    assert not Path("out.csv").exists()
