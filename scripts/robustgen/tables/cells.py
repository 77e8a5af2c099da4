"""What the axes of a cell are called, in one place for tables, figures and the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from robustgen.stats.cells import STEPS
from robustgen.tables.table import Format, budget

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = {"lambda_": "lambda"}  # axis -> its name for a reader, where that is another one


def words(row: pd.Series | dict[str, Any], axes: Iterable[str], *, zeros: bool = False) -> str:
    """The axes of a row, `8/255, 40 steps, lambda 1.2`; those that are 0 or empty only where
    asked.
    """
    shown = (axis for axis in axes if zeros or (row[axis] != 0 and row[axis] != ""))
    return ", ".join(_said(axis, row[axis]) for axis in shown)


def named(axes: Iterable[str], rows: pd.DataFrame | None = None) -> Format:
    """An attack with its axes: `pgd (8/255, 40 steps)`; a 0 only on an axis on which other `rows`
    of the same attack have something else.
    """
    axes = list(axes)
    swept = defaultdict[str, list[str]](list, {} if rows is None else _swept(rows, axes))

    def format_(row: pd.Series) -> str:
        shown = [axis for axis in axes if row[axis] not in (0, "") or axis in swept[row["attack"]]]
        said = words(row, shown, zeros=True)
        return f"{row['attack']} ({said})" if said else str(row["attack"])

    return format_


def _swept(rows: pd.DataFrame, axes: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(attack, the axes that it sweeps) as far as rows tell."""
    for attack, mine in rows.groupby("attack", sort=False):
        yield str(attack), [axis for axis in axes if mine[axis].nunique() > 1]


def columns(axes: Iterable[str]) -> dict[str, Format]:
    """A table's columns with one axis each."""
    return {HEADINGS.get(axis, axis): _column(axis) for axis in axes}


def last_steps(entry: dict[str, Any]) -> str:
    """The largest step count that an attack's entry sweeps, `40 steps`; empty where it sweeps
    none.
    """
    swept = entry["sweep"].get(STEPS)
    return _said(STEPS, max(swept)) if swept else ""


def _column(axis: str) -> Format:
    return lambda row: number(axis, row[axis])


def _said(axis: str, value: Any) -> str:
    said = number(axis, value)
    if axis == "eps":
        return said
    if axis == STEPS:
        return f"{said} step{'s' if value > 1 else ''}"
    return f"{HEADINGS.get(axis, axis)} {said}"


def number(axis: str, value: Any) -> str:
    """A value on an axis as it is printed."""
    if isinstance(value, str):  # also an `unbounded` budget, for JSON knows no infinite number
        return value
    return budget(value) if axis == "eps" else f"{value:g}"
