"""Fetch the files of a source of config/sources.csv that are not in the data root yet."""

import argparse
import json
import os
import sys
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.files import write_json
from robustgen.data.download.fetch import Fetch
from robustgen.data.download.sources import REGISTER, ROOT, data_root, read_register, rows_of


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--source", help="its name in the register")
    what.add_argument("--list", action="store_true", help="list the register's downloads")
    parser.add_argument(
        "--register",
        type=Path,
        default=REGISTER,
        help=("csv of all downloads (config/sources.csv)"),
    )
    parser.add_argument(
        "--root",
        help=(f"folder of the data sets' files; ROBUSTGEN_DATA, else {ROOT}, where not given"),
    )
    parser.add_argument(
        "--mirror", help=("a copy of a data root that is asked first: a folder or an address")
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help=("use no network: only the data root and a folder as mirror"),
    )
    parser.add_argument(
        "--out", type=Path, help=("receipt to write: what is there, with sizes and hashes")
    )
    args = parser.parse_args(argv)
    if args.list:
        for row in (row for row in read_register(args.register) if row.url):
            print(f"{row.source:16} {row.file:50} {row.licence}")
        return
    offline = args.offline or bool(os.environ.get("ROBUSTGEN_OFFLINE"))
    fetch = Fetch(
        rows_of(args.source, args.register),
        root=data_root(args.root),
        mirror=args.mirror,
        offline=offline,
    )
    receipt = fetch()
    if args.out:
        write_json(args.out, receipt)
    else:
        json.dump(receipt, sys.stdout, indent=2)


if __name__ == "__main__":
    command(main)
