"""Write the report of a study: one self-contained page, made from whatever exists."""

import argparse
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help=("config.json of the study; its folder is what is reported"),
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=("html to write; its links are relative to its folder"),
    )
    args = parser.parse_args(argv)
    from robustgen.core.files import read_json, write_text
    from robustgen.report.page import page

    write_text(args.out, page(read_json(args.config), args.config.parent, beside=args.out.parent))


if __name__ == "__main__":
    command(main)
