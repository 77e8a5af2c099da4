"""What modules of a user's own give back is checked where they give it, in a sentence that names
the module.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

import draw_figure
import load_data
import made
import make_table
from conftest import ROOT
from norms import generator
from robustgen.attacks import sweep
from robustgen.attacks.accepted import accepted
from robustgen.attacks.sweep import Sweep
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.contracts import Broken, RefusedModule, blamed
from robustgen.core.refusal import Refused
from robustgen.core.rows import read_rows
from robustgen.jobs.measure import run as run_measure

EPS = 8 / 255
AXES: dict[str, Any] = {"eps": (EPS,), "steps": (3,)}
Own = Callable[[str], str]  # a module's text -> its kind

# --- who is blamed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def make():\n    raise OSError",
            (r"failed with OSError: without a text \(lab\d+/mine.py, line 2\); fix"),
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

ATTACK = """
import torch
from robustgen.attacks.types import Attacked

def attack(classifier, images, labels, *, spec, generator):
    n = len(images)
    return {}
"""


def attacked(kind: str, **changes: Any) -> list[Attacked]:
    swept = {axis: changes.pop(axis, default) for axis, default in AXES.items()}
    sweep_ = Sweep(kind, swept, options={"step": 0.01}, **changes)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 4)).requires_grad_(False)
    x = torch.rand(5, 3, 4, 4, generator=generator())
    return list(sweep.run(model, x, torch.zeros(5).long(), sweep=sweep_, seed=0))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("images", r"an attack returns robustgen.*Attacked\(images\), not Tensor\."),
        ("None", "not NoneType"),
        (
            "Attacked(images[:2], 1, 1)",
            r"must be Tensor float32 \[5, 3, 4, 4\], .* not Tensor float32 \[2, 3, 4, 4\]",
        ),
        ("Attacked(images.double(), 1, 1)", r"not Tensor float64 \[5, 3, 4, 4\]"),
        ("Attacked(images.numpy(), 1, 1)", "must be a float tensor .*not ndarray float32"),
        ("Attacked(images * float('nan'), 1, 1)", "5 of 5 attacked images hold NaN"),
        ("Attacked(images - 1, 1, 1)", r"must lie in \[0,1\]; they lie in \[-.*clip them"),
        (
            "Attacked((images + 2 * spec.eps).clamp(0, 1), 1, 1)",
            r"5 of 5 .* 0\.062.* in linf, beyond eps = 0\.0313",
        ),
        ("Attacked(images.add_(0.1).clamp_(0, 1), 1, 1)", r"beyond eps = 0\.0313"),
        (
            "Attacked(images, -1, 1)",
            "forwards, passes per image, must be a number of at least 0, not -1",
        ),
        ("Attacked(images, 1, float('nan'))", "backwards, .* not nan"),
        ("Attacked(images, torch.ones(5), 1)", "forwards, .* not tensor"),
        ("1 / 0", r"failed with ZeroDivisionError: division by zero \(lab\d+/mine.py, line 7\)"),
    ],
)
def test_what_an_attack_returns_is_checked_and_its_module_and_cell_are_named(
    own: Own, answer: str, words: str
) -> None:
    kind = own(ATTACK.format(answer))
    with pytest.raises(
        RefusedModule, match=rf"^Attack {kind} at eps 0.0313725, steps 3:? .*{words}"
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
        "n = len(images)", f"delta = torch.ones_like(images)\n    moved = images + ({step})"
    )
    (found,) = attacked(
        own(text.format("Attacked(moved.clamp(0, 1).requires_grad_(), 1, 1)")), norm=norm
    )
    assert len(found.images) == 5


@pytest.mark.parametrize(("eps", "declared"), [(float("inf"), ""), (0.1, "BALL = False\n")])
def test_without_a_ball_no_distance_is_asked_for(own: Own, eps: float, declared: str) -> None:
    kind = own(declared + ATTACK.format("Attacked(1 - images, 0, 0)"))
    assert len(attacked(kind, eps=(eps,))) == 1


def test_a_shared_trajectory_must_hold_every_step_count(own: Own) -> None:
    text = ATTACK.format("{3: Attacked(images, 0, 0)}").replace("generator)", "generator, at)")
    kind = own(text.replace("def attack", "def snapshots"))
    assert len(attacked(kind)) == 1
    with pytest.raises(RefusedModule, match=f"Attack {kind} at eps .*, steps 9.* KeyError: 9"):
        attacked(kind, steps=(3, 9))


def test_an_attack_that_works_in_place_harms_no_other_cell(own: Own) -> None:
    kind = own(ATTACK.format("Attacked(images.mul_(1 - spec.eps / 2), 1, 1)"))
    first, second = attacked(kind, steps=(1, 2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"norm": "Linf"}, "norm must be one of linf, l2, not 'Linf'"),
        ({"eps": 8}, "eps is 8, but images lie in .*8/255"),
        ({"eps": -0.1}, "eps must be a number of at least 0, not -0.1"),
        ({"eps": float("nan")}, "eps must be a number"),
        ({"eps": "8/255"}, "eps must be a number"),
        ({"steps": -1}, "steps must be a whole number of at least 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
    ],
)
def test_a_spec_that_no_attack_can_mean_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Spec(**{"eps": EPS, "steps": 3, **wrong})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "rnd"}, "target .* must be one of none, random, least_likely, not 'rnd'"),
        ({"step": -1.0}, "step .* must be a number above 0"),
        ({"step": float("nan")}, "step .* must be a number above 0"),
        ({"restarts": 0}, "restarts .* must be a whole number of at least 1"),
        ({"eot": 0}, "eot .* must be a whole number of at least 1"),
        ({"lambda_": float("inf")}, "lambda_ .* must be a number, not inf"),
        ({"stp": 0.1}, "stp .* unknown option; did you mean 'step'"),
    ],
)
def test_options_of_a_spec_that_its_kind_cannot_mean_are_refused(
    wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        accepted("pgd", Spec(EPS, 3, options=wrong))
    with pytest.raises(Refused, match=words):
        Sweep("pgd", {"eps": (EPS,), "steps": (3,)}, options=wrong)


@pytest.mark.parametrize(
    "fine", [{"eps": 8, "norm": "l2"}, {"eps": float("inf")}, {"eps": 0, "steps": 0}]
)
def test_a_spec_that_means_something_is_not(fine: dict[str, Any]) -> None:
    Spec(**{"eps": EPS, "steps": 3, **fine})


@pytest.mark.parametrize(
    "axis",
    [
        {"steps": (0, 5, 5)},
        {"eps": (EPS, 0.031372549)},
        {"lambda_": (0.5, 0.5)},
        {"target": ("none", "none")},
        {"steps": ()},
        {"eps": ()},
    ],
)
def test_a_sweep_holds_no_cell_twice(axis: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="must be a list of different values"):
        Sweep("pgd", {**AXES, **axis})


# --- measures, tables, figures, data sets ---------------------------------------------------------

MEASURE = """
import numpy as np

def measure(classifier, reference, *, options, generator):
    def measured(seen, clean):
        n = len(seen["scores"])
        return {}
    return measured
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def measured(folder: Path, tmp_path: Path) -> Callable[[str], pd.DataFrame]:
    """Run a measure of clean images, of a kind; its rows."""

    def run(kind: str) -> pd.DataFrame:
        job = made.measure_job(folder, tmp_path / "rows.parquet", kind, measure="mine")
        run_measure(job)
        return read_rows(job.out)

    return run


def test_the_columns_of_a_measure_stand_in_its_rows_as_they_are_named(
    own: Own, measured: Callable[[str], pd.DataFrame]
) -> None:
    rows = measured(own(MEASURE.format("{'depth': np.arange(n)}")))
    assert rows["depth"].tolist() == [*range(20), *range(30)]
    assert rows.columns[:4].tolist() == ["dataset", "model", "seed", "attack"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "np.zeros(n)",
            r"a measure must give a dict of column -> array \[n\], not ndarray float64 \[20\]",
        ),
        ("{}", "a measure must give a dict"),
        ("{'a b': np.zeros(n)}", "a column is named by letters, digits and underscores, not 'a b'"),
        ("{0: np.zeros(n)}", "named by letters, .* not 0"),
        (
            "{'depth': np.zeros(n + 1)}",
            r"column depth must be a numpy array of numbers \[20\].*not ndarray float64 \[21\]",
        ),
        ("{'depth': seen['scores'][:, 0]}", r"not Tensor float32 \[20\]"),
        ("{'depth': np.array(['a'] * n)}", "must be a numpy array of numbers"),
        ("{'depth': np.full(n, np.nan)}", "column depth is infinite or NaN for 20 of 20 images"),
        ("{'depth': 1 / 0}", r"failed with ZeroDivisionError: .* \(lab\d+/mine.py, line 7\)"),
    ],
)
def test_what_a_measure_gives_is_checked(
    own: Own, measured: Callable[[str], pd.DataFrame], answer: str, words: str
) -> None:
    kind = own(MEASURE.format(answer))
    with pytest.raises(RefusedModule, match=f"^Measure mine of kind {kind}:? .*{words}"):
        measured(kind)


def test_a_measure_of_attacks_returns_a_function(
    own: Own, measured: Callable[[str], pd.DataFrame]
) -> None:
    kind = own("def measure(classifier, reference, *, options, generator):\n    return 0.5")
    words = "measure must return a function of two looks, not a float"
    with pytest.raises(RefusedModule, match=words):
        measured(kind)


@pytest.mark.parametrize("answer", ["0.5", "Measured([1])"])
def test_a_measure_of_models_returns_rows(
    own: Own, measured: Callable[[str], pd.DataFrame], answer: str
) -> None:
    text = "from robustgen.measures.types import Measured\nON = 'model'\n"
    text += "def measure(classifier, images, *, options, context):\n    return "
    with pytest.raises(RefusedModule, match=r"must return robustgen.*Measured, not a"):
        measured(own(text + answer))


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
