"""Choose the thresholds of detectors on validation images and state their statistics on test
images.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.refusal import command
from robustgen.core.rows import read_rows, write_rows
from robustgen.jobs.detect import run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--detectors",
        type=json.loads,
        required=True,
        help=('JSON: {"energy": {"kind": "energy", "fpr": 0.05, ...}}'),
    )
    parser.add_argument("--clean", type=Path, required=True, help="score rows of natural images")
    parser.add_argument(
        "--attacked", type=Path, required=True, help=("score rows of attacked images")
    )
    parser.add_argument(
        "--others",
        type=json.loads,
        default={},
        help=('JSON: {"noise": "score rows of attacks to learn from", ...}'),
    )
    parser.add_argument(
        "--statistics", type=Path, required=True, help=("rows to write, one per test image")
    )
    parser.add_argument(
        "--thresholds", type=Path, required=True, help=("rows to write, one per threshold")
    )
    args = parser.parse_args(argv)
    others = {name: read_rows(path) for name, path in args.others.items()}
    statistics, thresholds = run(
        read_rows(args.clean), read_rows(args.attacked), others, entries=args.detectors
    )
    write_rows(args.statistics, statistics, unit="image")
    write_rows(args.thresholds, thresholds, unit="set")


if __name__ == "__main__":
    command(main)
