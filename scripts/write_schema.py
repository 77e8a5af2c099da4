"""Generate config/schema.json and config/reference.yaml (every key with type, default and meaning)
from the classes.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.files import write_text
from robustgen.study.reference import reference
from robustgen.study.schema import Study


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    args = parser.parse_args(argv)
    write_text(
        args.out / "schema.json",
        json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n",
    )
    write_text(args.out / "reference.yaml", reference())


if __name__ == "__main__":
    command(main)
