"""Rows: parquet tables that are the only interface between numerics and tables, figures and claims."""

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
CELL = ("dataset", "model", "seed", "attack", "eps", "steps", "weight")  # the axes that name one measured cell


def write_rows(path: str | Path, rows: pd.DataFrame, *, unit: str) -> None:
    """Write rows whose unit is an image, an image x class, a set or an epoch; a NaN is refused, not stored."""
    if unit not in UNITS:
        raise Refused(f"The unit of rows is one of {', '.join(UNITS)}, not {unit!r}.")
    holes = [name for name in rows.columns if rows[name].isna().any()]
    if holes:
        raise Refused(f"Rows for {path} hold missing or NaN values in {', '.join(holes)}; a cell is measured or absent.")
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(rows.assign(unit=unit), preserve_index=False)
    with atomic(path) as temporary:
        sealed = table.replace_schema_metadata({**table.schema.metadata, b"seal": seal.OPEN.encode()})
        parquet.write_table(sealed, temporary, compression="zstd")
        seal.close(temporary, at_end=True)


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
