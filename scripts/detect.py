"""Choose the thresholds of detectors on validation images and state their statistics on test
images.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add(
        "--detectors",
        type=json.loads,
        required=True,
        help='JSON: {"energy": {"kind": "energy", "fpr": 0.05, "options": {}}}',
    )
    add("--attack", required=True, help="name of the attack")
    add("--clean", type=Path, required=True, help="score rows of clean images")
    add("--attacked", type=Path, required=True, help="score rows of attacked images")
    add(
        "--others",
        type=json.loads,
        default={},
        help='JSON: score rows of attacks to learn from, {"noise": "scores.parquet"}',
    )
    add(
        "--measured",
        type=json.loads,
        default={},
        help='JSON: measures of detectors, {"lid": {"clean": "rows.parquet", "pgd": ...}}',
    )
    add("--statistics", type=Path, required=True, help="rows to write, one per test image")
    add("--thresholds", type=Path, required=True, help="rows to write, one per threshold")
    args = parser.parse_args(argv)
    from robustgen.core.rows import CLEAN, write_rows
    from robustgen.detect.rows import read
    from robustgen.jobs.detect import KEYS, run

    rows = {
        name: read(path, {key: of[name] for key, of in args.measured.items() if name in of})
        for name, path in (args.others | {CLEAN: args.clean, args.attack: args.attacked}).items()
    }
    clean, attacked = rows[CLEAN], rows[args.attack]
    statistics, thresholds = run(clean, attacked, rows, entries=args.detectors)
    write_rows(args.statistics, statistics, unit="image", keys=KEYS)
    write_rows(args.thresholds, thresholds, unit="set")


if __name__ == "__main__":
    command(main)
