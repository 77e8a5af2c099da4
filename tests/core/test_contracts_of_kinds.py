"""What measures, tables, figures and data sets of a user's own give is checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import draw_figure
import load_data
import made
import make_table
from conftest import ROOT
from robustgen.core.contracts import RefusedModule
from robustgen.core.rows import read_rows
from robustgen.jobs.measure import run as run_measure

Own = Callable[[str], str]  # a module's text -> its kind


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
