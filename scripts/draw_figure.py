"""Draw one figure from rows: png, and beside it pdf and its caption as JSON."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True, help="module of robustgen.figures")
    parser.add_argument(
        "--spec",
        type=json.loads,
        required=True,
        help=("JSON: models, attacks, detectors, seeds, options"),
    )
    parser.add_argument(
        "--files", type=json.loads, required=True, help=('JSON: {"scores": [paths], ...}')
    )
    parser.add_argument("--out", type=Path, required=True, help="png to write")
    args = parser.parse_args(argv)
    from robustgen.core import kinds
    from robustgen.core.contracts import blamed
    from robustgen.figures.style import styled, write
    from robustgen.tables.inputs import missing, of_what_exists, sorted_files

    files, absent = sorted_files(args.files)
    with styled(), of_what_exists(absent), blamed("Figure", args.kind):
        write(
            kinds.load("figures", args.kind).draw(files, spec=args.spec, absent=missing(absent)),
            args.out,
        )


if __name__ == "__main__":
    command(main)
