"""Attack one model with one attack entry: every cell of its sweep, on validation and test
images.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.meter import meter
from robustgen.core.refusal import command
from robustgen.jobs.attack import AttackJob, run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--net", type=json.loads, required=True, help=("JSON: net, options, size, mean, std")
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights of the model")
    parser.add_argument(
        "--sweep",
        type=json.loads,
        required=True,
        help=("JSON of the attack entry: kind, eps, steps, ..."),
    )
    parser.add_argument(
        "--natural",
        type=Path,
        help=("score rows of natural images, for attacks that know a detector"),
    )
    parser.add_argument(
        "--splits",
        type=json.loads,
        required=True,
        help=('JSON: images per split, {"validation": 500, ...}'),
    )
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--code", default="", help="digest of the code, part of the shards' key")
    parser.add_argument("--out", type=Path, required=True, help="images.safetensors to write")
    job = AttackJob(**vars(parser.parse_args(argv)))
    with meter(
        job.out.with_name("costs.json"), rule="attack", kind=job.sweep["kind"], seed=job.seed
    ) as costs:
        costs.update(run(job))


if __name__ == "__main__":
    command(main)
