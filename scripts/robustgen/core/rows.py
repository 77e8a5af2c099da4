"""Rows: parquet tables that are the only interface between numerics and tables, figures and
claims.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from robustgen.core import seal
from robustgen.core.files import BadFile, atomic, damaged
from robustgen.core.refusal import Refused

if TYPE_CHECKING:
    import pandas as pd

CLEAN = "clean"  # the name under which natural images stand among the attacked ones
UNITS = ("image", "image x class", "set", "epoch")
# the axes that name one measured cell
CELL = ("dataset", "model", "seed", "attack", "eps", "steps", "weight")
# what tells rows of images apart
ONCE = (*CELL, "split", "index", "class", "step", "detector", "variant", "a", "b")
# what a column of objects may be, in pandas' words
HELD = {"string", "boolean", "integer", "floating", "empty"}


def write_rows(path: str | Path, rows: pd.DataFrame, *, unit: str) -> None:
    """Write rows whose unit is an image, an image x class, a set or an epoch; a NaN is refused, not
    stored.
    """
    if unit not in UNITS:
        raise Refused(f"The unit of rows is one of {', '.join(UNITS)}, not {unit!r}.")
    _check_values(path, rows)
    if unit.startswith("image") and "index" in rows:
        _check_once(path, rows)
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(rows.assign(unit=unit), preserve_index=False)
    with atomic(path) as temporary:
        sealed = table.replace_schema_metadata(
            {**table.schema.metadata, b"seal": seal.OPEN.encode()}
        )
        parquet.write_table(sealed, temporary, compression="zstd")
        seal.close(temporary, at_end=True)


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
            f"Rows for {path} hold values of no one plain type in {', '.join(mixed)}; give "
            "texts or numbers."
        )
    holes = [name for name in rows.columns if rows[name].isna().any()]
    if holes:
        raise Refused(
            f"Rows for {path} hold missing or NaN values in {', '.join(holes)}; a cell is "
            "measured or absent."
        )


def _check_once(path: str | Path, rows: pd.DataFrame) -> None:
    """Refuse an image that stands twice in a cell, for it would be counted twice and narrow every
    interval.
    """
    axes = [name for name in ONCE if name in rows]
    again = rows.loc[rows.duplicated(axes), axes]
    if len(again):
        cell = ", ".join(f"{name} {value}" for name, value in again.iloc[0].items())
        raise Refused(
            f"Rows for {path} hold an image twice ({cell}; {len(again)} such rows); list each "
            "setting once."
        )


def read_rows(paths: str | Path | Iterable[str | Path]) -> pd.DataFrame:
    """The rows of one or several parquet files, one below the other."""
    import pandas as pd

    several = [paths] if isinstance(paths, str | Path) else list(paths)
    frames = [_read_one(Path(path)) for path in several]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _read_one(path: Path) -> pd.DataFrame:
    import pandas as pd
    from pyarrow import ArrowInvalid

    try:
        if seal.is_broken(path, at_end=True):
            raise damaged(path, "what was written", "its checksum is another one")
        return pd.read_parquet(path, engine="pyarrow")
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except (ArrowInvalid, OSError) as error:
        raise damaged(path, "a whole parquet file", error) from error
