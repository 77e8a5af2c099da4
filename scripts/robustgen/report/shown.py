"""Tables and figures as the page shows them: the declared ones first, then others that lie beside
them.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from robustgen.core.files import BadFile, read_json
from robustgen.study.plan import Plan

LONG = 30  # rows, above which a table is folded
NUMBER = re.compile(r"^-?\d[^a-zA-Z]*$")


def tables(plan: Plan) -> list[dict[str, Any]]:
    """Every table that exists: its printed form, its files, which of its columns are numbers."""
    items = []
    for name in _existing(plan, list(plan.study.tables)):
        path = Path(plan.made(name)).with_suffix(".json")
        items.append(
            _named(plan, name) | _table(path) | {"files": _beside(path, ".csv", ".md", ".tex")}
        )
    return items


def figures(plan: Plan) -> list[dict[str, Any]]:
    """Every figure that exists: title, caption, its picture as a data URI, its pdf."""
    items = []
    for name in _existing(plan, list(plan.study.figures)):
        path = Path(plan.made(name))
        caption = {"title": name, "caption": "", **_read(path.with_suffix(".json"))}
        items.append(
            _named(plan, name)
            | caption
            | {"uri": data_uri(path), "size": size(path), "files": _beside(path, ".pdf", ".png")}
        )
    return items


def data_uri(path: Path) -> str:
    """A png as a data URI."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def size(path: Path) -> tuple[int, int]:
    """Width and height of a png in pixels, as its header says."""
    with path.open("rb") as file:
        header = file.read(24)
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def numeric(rows: list[list[str]], column: int) -> bool:
    """Whether all filled cells of a column are numbers, intervals or fractions."""
    filled = [row[column] for row in rows if row[column]]
    return bool(filled) and all(NUMBER.match(cell) for cell in filled)


def _existing(plan: Plan, names: list[str]) -> list[str]:
    declared = [name for name in plan.study.outputs if name in names]
    ordered = [*declared, *(name for name in names if name not in declared)]
    end = ".json" if set(names) & plan.study.tables.keys() else ".png"
    return [name for name in ordered if Path(plan.made(name)).with_suffix(end).exists()]


def _named(plan: Plan, name: str) -> dict[str, Any]:
    return {"name": name, "declared": name in plan.study.outputs}


def _table(path: Path) -> dict[str, Any]:
    empty = {"title": path.stem, "note": "", "columns": [], "rows": []}
    table = {**empty, **_read(path)}
    if not all(
        isinstance(row, list) and len(row) == len(table["columns"]) for row in table["rows"]
    ):
        table = {
            **empty,
            "note": (
                f"{path} is not what its job writes (rows and headings do not fit); delete it and "
                "run again."
            ),
        }
    numbers = [numeric(table["rows"], column) for column in range(len(table["columns"]))]
    return table | {"numbers": numbers, "long": len(table["rows"]) > LONG}


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file holds; where it cannot be read, a remark that says so."""
    try:
        return dict(read_json(path))
    except (BadFile, TypeError, ValueError) as error:
        return {"note": str(error), "caption": str(error)}


def _beside(path: Path, *ends: str) -> list[Path]:
    return [other for end in ends if (other := path.with_suffix(end)).exists()]
