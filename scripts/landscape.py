"""Follow two attacks on single images step by step, and map the energy on the planes that they
span.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.meter import meter
from robustgen.core.refusal import command
from robustgen.core.rows import write_rows
from robustgen.synthesis.landscape import LandscapeJob, run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dataset", required=True, help=("name of the data set, a column of the rows")
    )
    parser.add_argument("--model", required=True, help="name of the model, a column of the rows")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--net", type=json.loads, required=True, help=("JSON: net, options, size, mean, std")
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights of the model")
    parser.add_argument(
        "--attacks", type=json.loads, required=True, help=('JSON: {"pgd": sweep, "he_pgd": sweep}')
    )
    parser.add_argument("--images", type=int, default=24, help="test images that are followed")
    parser.add_argument(
        "--plane",
        type=int,
        default=3,
        help=("rightly classified images of which a plane is mapped"),
    )
    parser.add_argument(
        "--side", type=int, default=41, help=("points of a plane's grid along each axis")
    )
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition, a column of the rows")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument(
        "--out", type=Path, required=True, help=("parquet file of rows of paths to write")
    )
    parser.add_argument(
        "--plane-out", type=Path, required=True, help=("parquet file of rows of planes to write")
    )
    job = LandscapeJob(**vars(parser.parse_args(argv)))
    with meter(job.out.with_name("costs.json"), rule="landscape", model=job.model, seed=job.seed):
        paths, planes = run(job)
        write_rows(job.out, paths, unit="image")
        write_rows(job.plane_out, planes, unit="image")


if __name__ == "__main__":
    command(main)
