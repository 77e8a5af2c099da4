"""Measure ours against our peers: speed, and whether results agree."""

import argparse
from dataclasses import fields
from pathlib import Path

from robustgen.bench import benches
from robustgen.bench.rows import table
from robustgen.bench.settings import Settings
from robustgen.core.command import command
from robustgen.core.files import write_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for field in fields(Settings):
        parser.add_argument(
            f"--{field.name}", type=type(field.default), default=field.default, **field.metadata
        )
    known = benches.names()
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="benches to run")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results to write")
    given = vars(parser.parse_args(argv))
    out, chosen = given.pop("out"), given.pop("only")
    measured = benches.measure(chosen, Settings(**given))
    rows = benches.flat(measured)
    write_json(out, rows)  # before they are judged, for rows that disagree are to be read too
    print(table(rows))
    print("\n".join(benches.judge(measured)))


if __name__ == "__main__":
    command(main)
