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
ALONE = "published"  # beside the first of these whose columns are there, number by number
JOINED = (("accuracy",), ("distance",), ("mean", "median"), ("fid", "inception_score"))
BETWEEN = " / "  # of several published numbers in a cell
RIGHT = "accuracy "  # before a published accuracy beside an error of ours
FROM_TEXT = {  # columns of numbers that a work prints in its text and not in the table
    "fid": "text:3.3",
    "inception_score": "text:3.3",
    "published_outside": "text:3.4",
}
TEXTS = ("detector", "method", "attack", "norm", "metric")  # what a reader needs of a row ...
AXES = ("eps", "steps", "lambda_", "weight")  # ... and where the table does not name its axes
PART = r"(?<=\d)[a-z]$"  # of a table: table_3_1a


@dataclass(frozen=True)
class Pair:
    """A published number, as printed and with its marks, and ours."""

    run: Run
    table: str
    source: str  # the table or text of the work that prints it
    dataset: str  # as the works call it
    model: str
    setting: str
    column: str
    printed: str
    marks: str
    ours: Interval
    n: str


@dataclass(frozen=True)
class Read:
    """A pair with what the list of published numbers says of it."""

    pair: Pair
    scale: float
    remark: str

    @property
    def gap(self) -> float:
        """Ours minus the published number."""
        return self.scale * self.pair.ours.value - float(self.pair.printed)

    @property
    def inside(self) -> bool | None:
        """Whether the published number lies in our interval; None where we have none."""
        low, high = (self.scale * one for one in self.pair.ours[1:])
        return low <= float(self.pair.printed) <= high if isfinite(high - low) else None


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
        for ours, n, printed in _columns(line, name, cell) if cell else ():
            model = line.cells.get("model") or ours
            if value := _ours(line, ours, error=printed.startswith(RIGHT)):
                yield Pair(
                    run,
                    line.table,
                    FROM_TEXT.get(ours if name == ALONE else name, line.table),
                    run.published(run.dataset(line, model)),
                    model,
                    _setting(run, line),
                    _called(name, ours, model, printed),
                    printed.removeprefix(RIGHT).rstrip(MISPRINT + OTHER),
                    "".join(mark for mark in (MISPRINT, OTHER) if mark in printed),
                    value,
                    n and f"{float(n):.0f}",
                )


def _ours(line: Line, name: str, *, error: bool) -> Interval | None:
    """Our number; of an error that stands beside an accuracy, the accuracy."""
    found = line.interval(name)
    if found is None or not error:
        return found
    return Interval(1 - found.value, 1 - found.high, 1 - found.low)


def _called(name: str, ours: str, model: str, printed: str) -> str:
    """What a number is called: the column of ours, or as the work does where that is in capitals;
    nothing where the column bears the model's name.
    """
    if printed.startswith(RIGHT):
        return RIGHT.strip()
    if name.isupper():
        return name
    return "" if ours == model else ours


def _columns(line: Line, name: str, cell: str) -> Iterator[tuple[str, str, str]]:
    """(our column, the n of ours, the published number) of a column; nothing for other columns."""
    n = line.cells.get("n", "")
    if name == ALONE:
        joined = (some for some in JOINED if all(map(line.interval, some)))
        found = zip(next(joined, ()), cell.split(BETWEEN), strict=False)
        yield from ((ours, n, printed) for ours, printed in found)
    elif name in COLUMNS:
        ours, count = COLUMNS[name]
        yield ours, line.cells.get(count, ""), cell
    elif name.endswith(PUBLISHED):
        ours = name.removesuffix(PUBLISHED)
        yield ours, line.cells.get(f"{ours}_n") or n, cell
    elif name.startswith(BEFORE):
        yield name.removeprefix(BEFORE), n, cell


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
    found = paper[(whole == pair.source) & (paper["dataset"] == pair.dataset)]
    found = found[found["value"] == pair.printed]
    percent = len(found) and (found["unit"] == "percent").all()
    remarks = set(found["remark"])
    remark = remarks.pop() if len(remarks) == 1 else ""
    if MISPRINT in pair.marks and not remark.startswith("misprint"):
        remark = "misprint"
    other = "other steps, restarts or attacks here" if OTHER in pair.marks else ""
    return Read(pair, 100 if percent else 1, "; ".join(filter(None, (remark, other))))
