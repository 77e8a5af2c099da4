"""Judge the papers' claims by the rules of config/claims.yaml, cell by cell."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from robustgen.core.files import write_json
from robustgen.core.refusal import command
from robustgen.core.rows import read_rows
from robustgen.stats.claims import judge
from robustgen.stats.rules import read


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="YAML of claims")
    parser.add_argument(
        "--models",
        type=json.loads,
        required=True,
        help=("JSON: {name: {dataset, objective, net, options}}"),
    )
    parser.add_argument("--scores", nargs="*", default=[], help="score rows")
    parser.add_argument("--out", type=Path, required=True, help="JSON of verdicts to write")
    args = parser.parse_args(argv)
    rows = read_rows(path for path in args.scores if Path(path).exists())
    rows = rows[rows["split"] == "test"] if len(rows) else rows
    judged = [
        asdict(claim) | {"cells": judge(claim, rows, args.models)} for claim in read(args.claims)
    ]
    write_json(args.out, judged)


if __name__ == "__main__":
    command(main)
