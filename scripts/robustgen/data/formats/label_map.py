"""A label map: which classes of several sources show the same sign."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.data.root import must_exist

SIGN, NOTE = "sign", "note"


def read_map(
    path: Path, *, known: Mapping[str, Sequence[str]], columns: Sequence[str], data: str
) -> dict[tuple[str, str], str]:
    """(source, class) -> sign, for the sources in `known`, which maps each to its classes; the map
    has all `columns`.
    """
    found: dict[tuple[str, str], str] = {}
    for line in _lines(
        must_exist(
            path, data=data, way=("put it there, or set options.map to where your map lies")
        ),
        columns,
    ):
        for source in known:
            for key in line[source].split():
                _refuse_doubtful(found, source, key, line[SIGN], known[source], path)
                found[source, key] = line[SIGN]
    return found


def _lines(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    wanted = [SIGN, *columns, NOTE]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except (IsADirectoryError, ValueError, csv.Error) as error:
        raise Refused(
            f"{path} is no table of text ({error}); give it the columns {', '.join(wanted)}."
        ) from error
    if header != wanted:
        raise Refused(
            f"{path} has the columns {', '.join(header)}; give it the columns {', '.join(wanted)}."
        )
    if short := [", ".join(row) for row in rows if len(row) != len(wanted) or not row[0]]:
        raise Refused(
            f"{path}: each line needs a sign and {len(wanted)} cells; correct the line "
            f"{short[0]!r}."
        )
    return [dict(zip(wanted, row, strict=True)) for row in rows]


def _refuse_doubtful(
    found: Mapping[tuple[str, str], str],
    source: str,
    key: str,
    sign: str,
    known: Sequence[str],
    path: Path,
) -> None:
    if key not in known:
        raise Refused(
            f"{path}: {source} has no class {key!r}, which {sign!r} names; correct that cell."
        )
    if (source, key) in found:
        both = f"{found[source, key]!r} and {sign!r}"
        raise Refused(f"{path}: class {key!r} of {source} stands under {both}; leave it under one.")
