"""Copy what counts of a study into results/published: tables, figures, claims, provenance, costs;
no weights, no data.
"""

import argparse
from pathlib import Path

from robustgen.core.command import command
from robustgen.report.publish import publish


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "study", type=Path, help=("folder of a study's results, such as results/workstation")
    )
    parser.add_argument("--out", type=Path, help="results/published/<study> where not given")
    args = parser.parse_args(argv)
    out = args.out or args.study.parent / "published" / args.study.name
    print(f"{len(publish(args.study, out))} files are in {out}.")


if __name__ == "__main__":
    command(main)
