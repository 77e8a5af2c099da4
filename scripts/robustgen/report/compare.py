"""Two runs of the same tables, number by number: equal, apart by no more than chance explains, or
different.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot, inf
from pathlib import Path

from robustgen.core.files import read_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import IDENTITY
from robustgen.stats.intervals import Interval

# what tells one row of a table from another, beside its axes, which the table's JSON names
NAMES = (*IDENTITY, "detector", "protocol", "rule", "view", "flag")
VERDICTS = ("equal", "within chance", "different")
SHOWN = 30
Numbers = dict[str, Interval]  # "table, row, column" -> the number there


@dataclass(frozen=True)
class Difference:
    """A number that both runs have."""

    name: str
    ours: Interval
    theirs: Interval

    @property
    def gap(self) -> float:
        """|difference| in half-widths of its 95 % interval: above 1, chance alone rarely explains
        it.
        """
        if self.ours.value == self.theirs.value:
            return 0.0
        upper, lower = sorted((self.ours, self.theirs), reverse=True)
        half = hypot(upper.value - upper.low, lower.high - lower.value)
        return (upper.value - lower.value) / half if half > 0 else inf

    @property
    def verdict(self) -> str:
        """The same in words."""
        return VERDICTS[0 if self.ours.value == self.theirs.value else 1 if self.gap <= 1 else 2]

    def __str__(self) -> str:
        return f"{self.name}: {_printed(self.ours)} against {_printed(self.theirs)}"


def compare(ours: Path, theirs: Path) -> str:
    """What the tables of two folders of results have in common, and what not, as text."""
    mine, others = numbers(ours), numbers(theirs)
    differences = [Difference(name, mine[name], others[name]) for name in others if name in mine]
    if not differences:
        raise Refused(
            f"The tables of {ours} and {theirs} have no number in common; run `make study` for "
            "the same study first."
        )
    said = [_counted(differences)]
    said += _some(
        [
            str(one)
            for one in sorted(differences, key=lambda one: -one.gap)
            if one.verdict == "different"
        ]
    )
    said += _some([f"{name}: only in {ours}" for name in mine if name not in others])
    return "\n".join(
        said + _some([f"{name}: only in {theirs}" for name in others if name not in mine])
    )


def numbers(folder: Path) -> Numbers:
    """Every number with an interval in the tables of a folder of results."""
    cells: Numbers = {}
    for line in lines(folder):
        named = {name: line.interval(name) for name in line.cells}
        cells |= {f"{line.table}, {line.label}, {name}": one for name, one in named.items() if one}
    return cells


@dataclass(frozen=True)
class Line:
    """A row of a table of results, with the names of the axes of that table."""

    table: str
    axes: tuple[str, ...]
    cells: dict[str, str]

    @property
    def label(self) -> str:
        """What tells this row from the others of its table."""
        names = dict.fromkeys((*NAMES, *self.axes))
        return " ".join(self.cells[name] for name in names if self.cells.get(name))

    def interval(self, name: str) -> Interval | None:
        """The number of a column; None where the row has none with an interval."""
        cells = self.cells
        if not cells.get(f"{name}_low"):
            return None
        return Interval(*(float(cells[key]) for key in (name, f"{name}_low", f"{name}_high")))


def lines(folder: Path) -> Iterator[Line]:
    """The rows of all tables of a folder of results."""
    for path in sorted((folder / "tables").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            axes = tuple(_axes(path.with_suffix(".json"), rows.fieldnames or ()))
            yield from (Line(path.stem, axes, row) for row in rows)


def _axes(path: Path, columns: Sequence[str]) -> Sequence[str]:
    """The axes of a table's rows, as its JSON names them; all before the first number where it
    does not.
    """
    named = read_json(path).get("axes") if path.exists() else None
    first = next((i for i, name in enumerate(columns) if f"{name}_low" in columns), 0)
    return columns[:first] if named is None else list(named)


def _counted(differences: list[Difference]) -> str:
    counts = Counter(one.verdict for one in differences)
    said = (
        f"{len(differences)} numbers: "
        + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
        + "."
    )
    if counts["equal"] == len(differences):
        return said
    return (
        f"{said} Different means beyond the 95 % interval of a difference; between independent "
        "runs about 1 in 20 is."
    )


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [f"  {line}" for line in lines[:SHOWN]] + (
        [f"  ... and {more} more"] if more > 0 else []
    )


def _printed(interval: Interval) -> str:
    return f"{interval.value:.4g} [{interval.low:.4g}, {interval.high:.4g}]"
