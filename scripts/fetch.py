"""Fetch the files of a source of config/sources.csv that are not in the data root yet."""

import argparse
import json
import os
import sys
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.files import write_json
from robustgen.data.download.fetch import Fetch
from robustgen.data.download.sources import REGISTER, ROOT, data_root, listing, rows_of


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--source", help="its name in the register")
    what.add_argument("--list", action="store_true", help="list the register's downloads")
    add("--register", type=Path, default=REGISTER, help="csv of all downloads (config/sources.csv)")
    add("--root", help=f"folder of the data sets' files, else ROBUSTGEN_DATA, else {ROOT}")
    add("--mirror", help="a copy of a data root that is asked first: a folder or an address")
    add(
        "--offline",
        action="store_true",
        default=bool(os.environ.get("ROBUSTGEN_OFFLINE")),
        help="use no network: only the data root and a folder as mirror; set by ROBUSTGEN_OFFLINE",
    )
    add("--out", type=Path, help="receipt to write: what is there, with sizes and hashes")
    args = parser.parse_args(argv)
    if args.list:
        print(listing(args.register))
        return
    rows, root = rows_of(args.source, args.register), data_root(args.root)
    receipt = Fetch(rows, root=root, mirror=args.mirror, offline=args.offline)()
    if args.out:
        write_json(args.out, receipt)
    else:
        json.dump(receipt, sys.stdout, indent=2)


if __name__ == "__main__":
    command(main)
