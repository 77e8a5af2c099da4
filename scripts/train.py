"""Train one model with one seed, or bring weights of your own into form.

A killed run goes on after its last whole epoch.
"""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core.meter import meter
    from robustgen.nets.spec import model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=model, required=True, help="JSON of the model's graph")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--recipe", type=json.loads, help="JSON of the training recipe")
    how.add_argument("--weights", type=Path, help="trained weights of your own in its place")
    parser.add_argument("--keys", type=json.loads, default={}, help="JSON: names there -> here")
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--code", default="", help="digest of the code, part of the key")
    parser.add_argument("--out", type=Path, required=True, help="weights.safetensors to write")
    arguments = parser.parse_args(argv)
    from robustgen.jobs.train import TrainJob, run

    job = TrainJob(**vars(arguments))
    facts = {"model": job.model.name, "seed": job.seed}
    with meter(job.out.with_name("costs.json"), rule="train", **facts) as costs:
        costs.update(run(job))


if __name__ == "__main__":
    command(main)
