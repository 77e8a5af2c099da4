"""Attack one model with one attack entry: each cell of its sweep, on validation and test images."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core.meter import meter
    from robustgen.nets.spec import model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=model, required=True, help="JSON of the model's graph")
    parser.add_argument("--sweep", type=json.loads, required=True, help="JSON of the attack entry")
    parser.add_argument("--view", type=json.loads, default={}, help="JSON: settings of inference")
    parser.add_argument("--told", type=json.loads, default={}, help="JSON: what it is told")
    parser.add_argument("--splits", type=json.loads, required=True, help="JSON: images per split")
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--code", default="", help="digest of the code, part of the shards' key")
    parser.add_argument("--part", help="3/8: compute only this part's shards, and write no output")
    parser.add_argument("--costs", type=Path, required=True, help="JSON of costs to write")
    parser.add_argument("--first", type=Path, help="the few images that the report shows, to write")
    parser.add_argument("--out", type=Path, required=True, help="images.safetensors to write")
    arguments = parser.parse_args(argv)
    from robustgen.jobs.attack import AttackJob, run

    given = vars(arguments)
    costs_file, job = given.pop("costs"), AttackJob(**given)
    facts = {"kind": job.sweep["kind"], "seed": job.seed}
    with meter(costs_file, rule="attack", **facts) as costs:
        costs.update(run(job))


if __name__ == "__main__":
    command(main)
