"""Judge the papers' claims by the rules of config/claims.yaml, cell by cell."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from robustgen.core.command import command

if TYPE_CHECKING:
    import pandas as pd


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="YAML of claims")
    parser.add_argument(
        "--models",
        type=json.loads,
        required=True,
        help="JSON: {name: {dataset, kind, options, objective, family}}",
    )
    parser.add_argument(
        "--rows",
        type=json.loads,
        default={},
        help='JSON: {"scores": [paths], and each measure that a claim names: [paths]}',
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON of verdicts to write")
    args = parser.parse_args(argv)
    from robustgen.core.files import write_json
    from robustgen.stats.claims import judge_all
    from robustgen.stats.rules import read

    rows = {sort: test_rows(paths) for sort, paths in args.rows.items()}
    write_json(args.out, judge_all(read(args.claims), rows, args.models))


def test_rows(paths: list[str]) -> pd.DataFrame:
    """The rows of test images in the parquet files that exist."""
    from robustgen.core.rows import read_rows

    there = [path for path in paths if path.endswith(".parquet") and Path(path).exists()]
    rows = read_rows(there)
    return rows[rows["split"] == "test"] if "split" in rows else rows


if __name__ == "__main__":
    command(main)
