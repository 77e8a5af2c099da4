"""Measure the input gradients of one model on test images, and keep pictures of a few."""

import argparse
import json
from pathlib import Path

from robustgen.core.meter import meter
from robustgen.core.refusal import command
from robustgen.core.rows import write_rows
from robustgen.core.tensors import write_arrays
from robustgen.synthesis.gradients import GradientJob, run


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
    parser.add_argument("--seed", type=int, default=0, help="the repetition, a column of the rows")
    parser.add_argument("--images", type=int, default=200, help="test images that are measured")
    parser.add_argument(
        "--shown", type=int, default=10, help=("images whose gradients are kept as pictures")
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--out", type=Path, required=True, help="parquet file of rows to write")
    parser.add_argument(
        "--pictures", type=Path, required=True, help=("safetensors file of pictures to write")
    )
    job = GradientJob(**vars(parser.parse_args(argv)))
    with meter(job.out.with_name("costs.json"), rule="gradients", model=job.model, seed=job.seed):
        rows, pictures, names = run(job)
        write_rows(job.out, rows, unit="image")
        facts = {
            "dataset": job.dataset,
            "model": job.model,
            "seed": str(job.seed),
            "names": json.dumps(names),
        }
        write_arrays(job.pictures, pictures, facts)


if __name__ == "__main__":
    command(main)
