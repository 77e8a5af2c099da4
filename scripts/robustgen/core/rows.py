"""Rows: parquet tables that are the only interface between numerics and tables, figures and claims.

What a row is of stands in its first columns: IDENTITY, then the *axes* that the attack's entry
sweeps (eps, steps, lambda_, ...). Which axes there are is data: each file names its own in its
metadata, and `axes` tells them. Rows of several files that are read together have the axes of all;
where a file lacks one, its rows hold 0 there, or an empty text, as clean images have eps 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustgen.core import seal
from robustgen.core.files import BadFile, atomic, damaged
from robustgen.core.refusal import Refused

if TYPE_CHECKING:
    import pandas as pd

CLEAN = "clean"  # the name under which clean images stand among the attacked ones
UNITS = ("image", "image x class", "set", "epoch", "pair")
IDENTITY = ("dataset", "model", "seed", "attack")
DRAW = "draw"  # the axis of fresh draws of a randomised classifier
IMAGE = ("split", "index", DRAW, "class")  # what tells rows of one cell apart, where it is there
AXES = "axes"  # the key of the metadata
HELD = {"string", "boolean", "integer", "floating", "empty"}  # column types, in pandas' words


def write_rows(
    path: str | Path,
    rows: pd.DataFrame,
    *,
    unit: str,
    axes: Sequence[str] | None = None,
    keys: Sequence[str] = (),
) -> None:
    """Write rows of a unit; a NaN is refused, and so is an image that stands twice in a cell.

    `axes` are those of the rows where left out; `keys` are further columns that tell rows apart.
    """
    if unit not in UNITS:
        raise Refused(f"The unit of rows is one of {', '.join(UNITS)}, not {unit!r}.")
    axes = axes_of(rows) if axes is None else list(axes)
    _check_values(path, rows)
    if unit.startswith("image") and "index" in rows:
        _check_once(path, rows, [*IDENTITY, *axes, *IMAGE, *keys])
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(rows.assign(unit=unit), preserve_index=False)
    meta = {b"seal": seal.OPEN.encode(), AXES.encode(): json.dumps(axes).encode()}
    with atomic(path) as temporary:
        sealed = table.replace_schema_metadata({**table.schema.metadata, **meta})
        parquet.write_table(sealed, temporary, compression="zstd")
        seal.close(temporary, at_end=True)


def axes_of(rows: pd.DataFrame) -> list[str]:
    """The axes of rows that `read_rows` gave, or that `with_axes` named; none otherwise."""
    return list(rows.attrs.get(AXES, ()))


def with_axes(rows: pd.DataFrame, axes: Iterable[str]) -> pd.DataFrame:
    """The rows, named as having these axes."""
    rows.attrs[AXES] = list(axes)
    return rows


def cell_of(rows: pd.DataFrame) -> list[str]:
    """The columns that name one measured cell: IDENTITY and the axes."""
    return [*IDENTITY, *axes_of(rows)]


def read_rows(paths: str | Path | Iterable[str | Path], *, draws: bool = False) -> pd.DataFrame:
    """The rows of one or several parquet files, one below the other, with the axes of all of them.

    Of a randomised classifier each image's numbers are averaged over its draws, unless `draws`.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    frames = [_read_one(Path(path)) for path in several]
    return joined(frames if draws else [averaged(frame) for frame in frames])


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows one below the other; an axis that some lack is 0 there, or an empty text. Of no frames
    there are no rows, with the columns by which rows are chosen.
    """
    import pandas as pd

    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    types = {axis: frame[axis].dtype for frame in frames for axis in axes_of(frame)}
    whole = [_filled(frame, types) for frame in _alike(frames)]
    none = pd.DataFrame(columns=[*IDENTITY, "split", "index"])
    found = pd.concat(whole, ignore_index=True) if whole else none
    return with_axes(found, types)


def averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per image and cell: numbers, `success` among them, are means over draws."""
    if DRAW not in rows:
        return rows
    keys = [name for name in (*cell_of(rows), "split", "index", "class") if name in rows]
    numbers = [
        name
        for name in rows
        if name not in (*keys, DRAW) and rows[name].dtype.kind in "biuf" and name != "prediction"
    ]
    others = [name for name in rows if name not in (*keys, DRAW, *numbers)]
    groups = rows.groupby(keys, sort=False)
    found = groups[numbers].mean().join(groups[others].first()).reset_index()
    found["label"] = found["label"].astype(rows["label"].dtype)
    return with_axes(found[[name for name in rows if name != DRAW]], axes_of(rows))


def _alike(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames, in which what is a truth in some and a mean of truths in others is a number."""
    kinds: dict[str, set[str]] = {}
    for frame in frames:
        for name in frame:
            kinds.setdefault(name, set()).add(frame[name].dtype.kind)
    both = {name for name, found in kinds.items() if found == {"b", "f"}}
    mine = [dict.fromkeys(both & set(frame), float) for frame in frames]
    return [
        frame.astype(types) if types else frame for frame, types in zip(frames, mine, strict=True)
    ]


def _filled(frame: pd.DataFrame, types: dict[str, Any]) -> pd.DataFrame:
    """The rows with every axis, in one order, behind the last column of IDENTITY."""
    lacking = [axis for axis in types if axis not in frame]
    if not lacking:
        return frame
    import pandas as pd

    new = {
        axis: pd.Series(0 if types[axis].kind in "biuf" else "", frame.index, types[axis])
        for axis in lacking
    }
    place = 1 + max((list(frame).index(name) for name in IDENTITY if name in frame), default=-1)
    first = frame.columns[:place]
    rest = [name for name in frame.columns[place:] if name not in types]
    whole = frame.assign(**new)
    return with_axes(whole[[*first, *types, *rest]], types)


def _check_values(path: str | Path, rows: pd.DataFrame) -> None:
    """Refuse missing values, and columns whose values have no one type."""
    from pandas.api.types import infer_dtype

    mixed = [
        name
        for name in rows
        if rows[name].dtype == object and infer_dtype(rows[name], skipna=True) not in HELD
    ]
    if mixed:
        raise Refused(
            f"Rows for {path} hold values of no one plain type in {', '.join(mixed)}; "
            "give texts or numbers."
        )
    holes = [name for name in rows.columns if rows[name].isna().any()]
    if holes:
        raise Refused(
            f"Rows for {path} hold missing or NaN values in {', '.join(holes)}; a cell is measured "
            "or absent."
        )


def _check_once(path: str | Path, rows: pd.DataFrame, keys: Sequence[str]) -> None:
    """Refuse an image that stands twice in a cell, for it would narrow every interval."""
    known = [name for name in keys if name in rows]
    again = rows.loc[rows.duplicated(known), known]
    if len(again):
        cell = ", ".join(f"{name} {value}" for name, value in again.iloc[0].items())
        raise Refused(
            f"Rows for {path} hold an image twice ({cell}; {len(again)} such rows); list each "
            "setting once."
        )


def _read_one(path: Path) -> pd.DataFrame:
    from pyarrow import ArrowInvalid, parquet

    try:
        if seal.is_broken(path, at_end=True):
            raise damaged(path, "what was written", "its checksum is another one")
        table = parquet.ParquetFile(path).read(use_threads=False)
        axes = json.loads((table.schema.metadata or {}).get(AXES.encode(), b"[]"))
        return with_axes(table.to_pandas(), axes)
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except (ArrowInvalid, OSError) as error:
        raise damaged(path, "a whole parquet file", error) from error
