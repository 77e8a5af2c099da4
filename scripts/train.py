"""Train one model with one seed, or bring weights of your own into form; a killed run goes on after
its last whole epoch.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.meter import meter
from robustgen.core.refusal import command
from robustgen.jobs.train import TrainJob, run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--net", type=json.loads, required=True, help=("JSON: net, options, size, mean, std")
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--recipe", type=json.loads, help="JSON of the training recipe")
    how.add_argument(
        "--weights",
        type=Path,
        help=("trained weights of your own, which are brought into form instead"),
    )
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--code", default="", help=("digest of the code, part of the checkpoint's key")
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=("weights.safetensors to write; history.csv goes beside it"),
    )
    job = TrainJob(**vars(parser.parse_args(argv)))
    with meter(
        job.out.with_name("costs.json"), rule="train", model=job.model, seed=job.seed
    ) as costs:
        costs.update(run(job))


if __name__ == "__main__":
    command(main)
