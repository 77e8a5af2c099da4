"""Make one table from rows: csv, and beside it Markdown, LaTeX and the printed form as JSON."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core import kinds
    from robustgen.core.contracts import blamed
    from robustgen.tables import published
    from robustgen.tables.inputs import missing, of_what_exists, seeds_said, sorted_files
    from robustgen.tables.table import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True, help="module of robustgen.tables")
    parser.add_argument(
        "--spec",
        type=json.loads,
        required=True,
        help=("JSON: models, attacks, detectors, seeds, options"),
    )
    parser.add_argument(
        "--files", type=json.loads, required=True, help=('JSON: {"detect": [paths], ...}')
    )
    parser.add_argument("--paper", type=Path, required=True, help="csv of published numbers")
    parser.add_argument("--out", type=Path, required=True, help="csv to write")
    args = parser.parse_args(argv)
    files, absent = sorted_files(args.files)
    said = seeds_said(files) + missing(absent)
    with of_what_exists(absent), blamed("Table", args.kind):
        module = kinds.load("tables", args.kind)
        write(
            module.make(files, spec=args.spec, paper=published.read(args.paper), absent=said),
            args.out,
        )


if __name__ == "__main__":
    command(main)
