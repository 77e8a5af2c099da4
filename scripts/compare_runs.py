"""Compare a run with a published one, number by number with intervals."""

import argparse
from pathlib import Path

from robustgen.core.command import command
from robustgen.report.compare import compare


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "ours", type=Path, help=("folder of a study's results, such as results/workstation")
    )
    parser.add_argument(
        "theirs", type=Path, help=("another one, such as results/published/workstation")
    )
    args = parser.parse_args(argv)
    print(compare(args.ours, args.theirs))


if __name__ == "__main__":
    command(main)
