"""Two runs of a table: which rows belong together is told by the axes that the table names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.report.compare import compare, numbers
from robustgen.tables.table import Table, percent, text, write


def run(folder: Path, *values: float) -> Path:
    """A table of one attack at two settings of an axis of its own."""
    (folder / "tables").mkdir(parents=True)
    rows = pd.DataFrame({"model": "m", "attack": "a", "eot": [1, 20], "n": [5, 7], "dr": values})
    rows = with_axes(rows.assign(dr_low=rows["dr"] - 0.1, dr_high=rows["dr"] + 0.1), ["eot"])
    columns = {"model": text("model"), "DR %": percent("dr")}
    write(Table("T", "N.", rows, columns), folder / "tables/t.csv")
    return folder


def test_rows_are_told_apart_by_the_axes_of_the_table(tmp_path: Path) -> None:
    ours, theirs = run(tmp_path / "a", 0.5, 0.9), run(tmp_path / "b", 0.5, 0.2)
    assert list(numbers(ours)) == ["t, m a 1, dr", "t, m a 20, dr"]
    said = compare(ours, theirs)
    assert "2 numbers: 1 equal, 0 within chance, 1 different." in said
    assert "t, m a 20, dr: 0.9 [0.8, 1] against 0.2 [0.1, 0.3]" in said


def test_a_csv_alone_is_read_by_what_stands_before_its_numbers(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", 0.5, 0.9)
    (folder / "tables/t.json").unlink()
    assert list(numbers(folder)) == ["t, m a 1 5, dr", "t, m a 20 7, dr"]
