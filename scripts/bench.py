"""Measure our PGD against those of torchattacks and foolbox on one net: images per second, and
whether losses agree.
"""

import argparse
from pathlib import Path

from robustgen.bench.race import Settings, judge, measure, table, warnings
from robustgen.core.files import write_json
from robustgen.core.refusal import command


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--images", type=int, default=256, help="images to attack")
    parser.add_argument(
        "--batch",
        type=int,
        default=64,
        help=("images per call; contenders take turns at every batch"),
    )
    parser.add_argument("--steps", type=int, default=40, help="steps of the attacks")
    parser.add_argument("--rounds", type=int, default=1, help="how often all images are attacked")
    parser.add_argument(
        "--width", type=int, default=64, help=("channels of the ResNet10's first stage")
    )
    parser.add_argument(
        "--train", type=int, default=3000, help=("images on which the net is trained beforehand")
    )
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument(
        "--precision", default="auto", choices=["auto", "bf16", "fp32"], help="of our net"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results to write")
    given = vars(parser.parse_args(argv))
    out = given.pop("out")
    results = measure(Settings(**given))
    write_json(out, results)
    print("\n".join([table(results), *warnings(results)]))
    judge(results)


if __name__ == "__main__":
    command(main)
