"""Write the study's resolved configuration, which the report shows and reads."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.files import write_json
from robustgen.study.config import checked


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help=("the configuration as JSON")
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    args = parser.parse_args(argv)
    write_json(args.out, checked(args.config).model_dump(mode="json"))


if __name__ == "__main__":
    command(main)
