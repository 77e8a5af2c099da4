"""Score the images of one attack, or natural images where none is given: energies and what
detectors need, in fp32.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.meter import meter
from robustgen.core.refusal import command
from robustgen.core.rows import write_rows
from robustgen.jobs.score import ScoreJob, run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dataset", required=True, help=("name of the data set, a column of the rows")
    )
    parser.add_argument("--model", required=True, help="name of the model, a column of the rows")
    parser.add_argument("--attack", required=True, help="name of the attack, a column of the rows")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--net", type=json.loads, required=True, help=("JSON: net, options, size, mean, std")
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights of the model")
    parser.add_argument("--images", type=Path, help="attacked images; natural ones where left out")
    parser.add_argument(
        "--splits",
        type=json.loads,
        required=True,
        help=('JSON: images per split, {"validation": 500, ...}'),
    )
    parser.add_argument(
        "--temperatures", type=float, nargs="*", default=[1.0], help="temperatures T of E_T"
    )
    parser.add_argument(
        "--measures",
        type=json.loads,
        default={},
        help=('JSON: {"lid": {"kind": "lid", "options": {}}, ...}'),
    )
    parser.add_argument(
        "--reference", type=int, default=1000, help=("training images that measures compare with")
    )
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition, a column of the rows")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--out", type=Path, required=True, help="parquet file of rows to write")
    job = ScoreJob(**vars(parser.parse_args(argv)))
    with meter(
        job.out.with_name("costs.json"),
        rule="score",
        model=job.model,
        attack=job.attack,
        seed=job.seed,
    ):
        write_rows(job.out, run(job), unit="image")


if __name__ == "__main__":
    command(main)
