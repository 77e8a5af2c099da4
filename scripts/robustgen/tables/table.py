"""A table: what its columns are called and how numbers are printed; csv for machines, Markdown and
LaTeX for readers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustgen.core.contracts import Broken
from robustgen.core.files import atomic, write_json, write_text
from robustgen.core.rows import axes_of
from robustgen.core.values import form

if TYPE_CHECKING:
    import pandas as pd

Format = Callable[["pd.Series"], str]


@dataclass(frozen=True)
class Table:
    """Rows with all their numbers, and the columns that a reader sees: heading -> how a row prints
    there.
    """

    title: str
    note: str
    rows: pd.DataFrame
    columns: dict[str, Format]

    def printed(self) -> list[list[str]]:
        """The cells as text, without the headings."""
        return [
            [_text(row, *column) for column in self.columns.items()]
            for _, row in self.rows.iterrows()
        ]


def checked(table: Any) -> Table:
    """What a table's `make` gave, refused unless it is a Table of texts, rows and functions."""
    import pandas as pd

    if not isinstance(table, Table):
        raise Broken(
            "make must return robustgen.tables.table.Table(title, note, rows, columns), not "
            f"{form(table)}."
        )
    for name, wanted in (("title", str), ("note", str), ("rows", pd.DataFrame), ("columns", dict)):
        if not isinstance(getattr(table, name), wanted):
            raise Broken(
                f"a Table's {name} must be a {wanted.__name__}, not {form(getattr(table, name))}."
            )
    if not table.columns or not all(
        isinstance(name, str) and callable(print_) for name, print_ in table.columns.items()
    ):
        raise Broken(
            "a Table's columns are headings with functions that print a row as text, such as "
            "table.text('model')."
        )
    return table


def write(table: Table, path: Path) -> None:
    """Write `path` (csv) with its neighbours .md, .tex and .json (the printed form, for the
    report).
    """
    checked(table)
    printed = table.printed()
    write_text(path.with_suffix(".md"), _markdown(table, printed))
    write_text(path.with_suffix(".tex"), _latex(table, printed))
    facts = {
        "title": table.title,
        "note": table.note,
        "columns": list(table.columns),
        "axes": axes_of(table.rows),
        "rows": printed,
    }
    write_json(path.with_suffix(".json"), facts)
    with atomic(path) as temporary:
        table.rows.to_csv(temporary, index=False)


def data_said(spec: dict[str, Any]) -> str:
    """A note's sentence on the data that a table rests on, and of what a merged set is merged."""
    found = {model["dataset"]: model["merged"] for model in spec["models"].values()}
    said = [
        f"{name} (merged of {', '.join(parts)})" if parts else name for name, parts in found.items()
    ]
    return f" Data: {', '.join(said)}."


def percent(name: str) -> Format:
    """A share as a percentage with its interval."""
    return lambda row: _interval(
        100 * row[name], 100 * row[f"{name}_low"], 100 * row[f"{name}_high"]
    )


def interval(name: str, digits: int = 2) -> Format:
    """A number with its interval."""
    return lambda row: _interval(row[name], row[f"{name}_low"], row[f"{name}_high"], digits)


def text(name: str) -> Format:
    """A value as it is; empty where there is none."""
    return lambda row: "" if row[name] is None or row[name] != row[name] else f"{row[name]}"


def budget(value: float) -> str:
    """An L_inf budget as a fraction of 255 where it is one; an infinite one is unbounded."""
    if value == float("inf"):
        return "unbounded"
    fraction = Fraction(value * 255).limit_denominator(1000)
    return f"{fraction.numerator}/255" if fraction.denominator == 1 and fraction else f"{value:g}"


def _text(row: pd.Series, heading: str, print_: Format) -> str:
    """How a row prints under a heading."""
    try:
        cell: object = print_(row)
    except KeyError as error:
        raise Broken(
            f"column {heading!r} asks for {error}; the rows hold {', '.join(map(str, row.index))}."
        ) from error
    if not isinstance(cell, str):
        raise Broken(f"column {heading!r} must print each row as text, not as {form(cell)}.")
    return cell


def _interval(value: float, low: float, high: float, digits: int = 1) -> str:
    if value != value:
        return ""
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _markdown(table: Table, printed: list[list[str]]) -> str:
    lines = [list(table.columns), ["---"] * len(table.columns), *printed]
    body = "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    return f"# {table.title}\n\n{body}\n\n{table.note}\n"


def _latex(table: Table, printed: list[list[str]]) -> str:
    def escaped(cell: Any) -> str:
        plain = str(cell)
        for mark in "&%$#_{}":
            plain = plain.replace(mark, f"\\{mark}")
        return plain

    lines = [" & ".join(map(escaped, line)) + r" \\" for line in [list(table.columns), *printed]]
    rows = "\n".join([lines[0], r"\midrule", *lines[1:]])
    layout = "l" * len(table.columns)
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\caption{"
        + escaped(f"{table.title}. {table.note}")
        + "}\n"
        f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{rows}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )
