"""Load a data set into the one form: uint8 images, labels, part and names."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core import kinds
    from robustgen.core.contracts import blamed
    from robustgen.core.files import write_json
    from robustgen.core.meter import meter
    from robustgen.core.tensors import write_arrays
    from robustgen.data.download.sources import ROOT, data_root
    from robustgen.data.pool import TEST, TRAIN, checked

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--kind", required=True, help=("module of robustgen.data, or a dotted module of your own")
    )
    parser.add_argument("--size", type=int, required=True, help="side of the images in pixels")
    parser.add_argument(
        "--options", type=json.loads, default={}, help=("JSON map of the module's further settings")
    )
    parser.add_argument(
        "--root",
        help=(f"folder of the data sets' files; ROBUSTGEN_DATA, else {ROOT}, where not given"),
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=("pool.safetensors to write; pool.json goes beside it"),
    )
    args = parser.parse_args(argv)
    with meter(args.out.with_name("costs.json"), rule="load_data", kind=args.kind):
        with blamed("Data set", args.kind):
            found = kinds.load("data", args.kind).load(
                size=args.size, root=str(data_root(args.root)), options=args.options
            )
            pool = checked(found)
        write_arrays(args.out, pool.arrays())
        parts = [int((pool.part == part).sum()) for part in (TRAIN, TEST)]
        facts = {
            "kind": args.kind,
            "names": pool.names,
            "shape": pool.images.shape,
            "parts": parts,
            "sha256": pool.sha256,
        }
        write_json(args.out.with_suffix(".json"), facts)


if __name__ == "__main__":
    command(main)
