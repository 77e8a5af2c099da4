"""Choose a detector's thresholds on validation images and state its statistic on test images."""

import argparse
import json
from pathlib import Path

from robustgen.core import kinds
from robustgen.core.refusal import command
from robustgen.core.rows import read_rows, write_rows


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON of the detector entry: kind, fpr, temperatures")
    parser.add_argument("--detector", required=True, help="name of the detector, a column of the rows")
    parser.add_argument("--clean", type=Path, required=True, help="score rows of natural images")
    parser.add_argument("--attacked", type=Path, required=True, help="score rows of attacked images")
    parser.add_argument("--statistics", type=Path, required=True, help="rows to write, one per test image")
    parser.add_argument("--thresholds", type=Path, required=True, help="rows to write, one per threshold")
    args = parser.parse_args(argv)
    module = kinds.load("detect", args.settings["kind"])
    found = module.detect(read_rows(args.clean), read_rows(args.attacked), settings=args.settings)
    for path, rows, unit in zip((args.statistics, args.thresholds), found, ("image", "set"), strict=True):
        write_rows(path, rows.assign(detector=args.detector), unit=unit)


if __name__ == "__main__":
    command(main)
