"""Published numbers beside ours, from the tables of results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from robustgen.report.compare import Line
from robustgen.report.runs import Run
from robustgen.stats.intervals import Interval
from robustgen.tables.cells import words
from robustgen.tables.published_abs import MISPRINT, OTHER

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = "_published"  # ends the name of a column with published numbers of the column before it
BEFORE = "published_"  # begins it, in other tables
COLUMNS = {  # columns of published numbers -> ours, and the one with the n of ours
    "DR": ("paper_dr", "paper_n"),
    "FPR": ("paper_fpr", "paper_n_clean"),
    "published_clean": ("natural", ""),
    "published_natural": ("natural", ""),
}
ALONE, FIRST = "published", ("accuracy", "distance", "mean")  # beside the first of them
TEXTS = ("detector", "method", "attack", "norm", "metric")  # what a reader needs of a row ...
AXES = ("eps", "steps", "lambda_", "weight")  # ... and where the table does not name its axes
PART = r"(?<=\d)[a-z]$"  # of a table: table_3_1a
PARTS = " / "  # between several published numbers in a cell


@dataclass(frozen=True)
class Pair:
    """A published number, as printed and with its marks, and ours."""

    run: Run
    table: str
    dataset: str  # as the works call it
    model: str
    setting: str
    column: str
    printed: str
    marks: str
    ours: Interval
    n: str

    @property
    def numbers(self) -> list[str]:
        """The published numbers of the cell, mostly one."""
        return self.printed.split(PARTS)


@dataclass(frozen=True)
class Read:
    """A pair with what the list of published numbers says of it."""

    pair: Pair
    scale: float
    remark: str

    @property
    def gap(self) -> float | None:
        """Ours minus the published number; None where that is no single number."""
        try:
            return self.scale * self.pair.ours.value - float(self.pair.printed)
        except ValueError:
            return None

    @property
    def inside(self) -> bool | None:
        """Whether the published number lies in our interval; None where that cannot be told."""
        if self.gap is None or not all(map(isfinite, self.pair.ours)):
            return None
        low, high = (self.scale * one for one in self.pair.ours[1:])
        return low <= float(self.pair.printed) <= high


def pairs(run: Run) -> list[Pair]:
    """Every published number that stands in the tables of a run with a number of ours, once."""
    found: dict[tuple[str, ...], Pair] = {}
    for pair in (pair for line in run.lines for pair in _pairs(run, line)):
        # clean accuracy, whose n is not told, stands in every row of a model
        where = pair.setting if pair.n else ""
        found.setdefault((pair.table, pair.model, pair.column, where, pair.printed), pair)
    return list(found.values())


def _pairs(run: Run, line: Line) -> Iterator[Pair]:
    for name, cell in line.cells.items():
        ours, n = _columns(line, name)
        value = line.interval(ours) if ours and cell else None
        if value is None:
            continue
        model = line.cells.get("model") or ours
        yield Pair(
            run,
            line.table,
            run.published(run.dataset(line, model)),
            model,
            _setting(run, line),
            name if name.isupper() else "" if ours == model else ours,
            cell.translate(str.maketrans("", "", MISPRINT + OTHER)),
            "".join(mark for mark in (MISPRINT, OTHER) if mark in cell),
            value,
            n and f"{float(n):.0f}",
        )


def _columns(line: Line, name: str) -> tuple[str, str]:
    """Our column beside a published one, and the n of ours; empty for any other column."""
    if name.endswith(PUBLISHED):
        ours = name.removesuffix(PUBLISHED)
        return ours, line.cells.get(f"{ours}_n") or line.cells.get("n", "")
    if name == ALONE:
        ours = next((one for one in FIRST if line.interval(one)), "")
        return ours, line.cells.get("n", "")
    ours, n = COLUMNS.get(name, (name.removeprefix(BEFORE) if name.startswith(BEFORE) else "", "n"))
    return ours, line.cells.get(n, "")


def _setting(run: Run, line: Line) -> str:
    """What a row is of, `energy, pgd, 8/255, 40 steps`."""
    cells = line.cells
    told = [cells[name] for name in TEXTS if cells.get(name)]
    named = () if {"model", "n"} & {*line.axes} else line.axes  # a table may not name its axes
    axes: dict[str, Any] = {
        name: cells[name]
        for name in (*AXES, *named)
        if name not in TEXTS and cells.get(name) not in (None, "", "False")
    }
    if "eps" in axes:
        axes["eps"] = run.eps(line)
    axes = {name: _number(value) for name, value in axes.items()}
    return ", ".join(filter(None, [*told, words(axes, axes)]))


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def read(pair: Pair, paper: pd.DataFrame) -> Read:
    """A pair with the unit and the remark of its published number."""
    whole = paper["table"].str.replace(PART, "", regex=True)
    found = paper[(whole == pair.table) & (paper["dataset"] == pair.dataset)]
    found = found[found["value"].isin(pair.numbers)]
    percent = len(found) and (found["unit"] == "percent").all()
    remarks = set(found["remark"])
    remark = remarks.pop() if len(remarks) == 1 else ""
    if MISPRINT in pair.marks and not remark.startswith("misprint"):
        remark = "misprint"
    other = "other steps, restarts or attacks here" if OTHER in pair.marks else ""
    return Read(pair, 100 if percent else 1, "; ".join(filter(None, (remark, other))))
