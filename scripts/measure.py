"""Measure one model, or its images under one attack, beyond scores, by a kind of measure."""

import argparse
import json
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core.meter import meter
    from robustgen.nets.spec import model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set, a column of rows")
    parser.add_argument("--model", type=model, required=True, help="JSON of the model's graph")
    parser.add_argument("--attack", required=True, help="name of the attack, a column of rows")
    parser.add_argument("--measure", required=True, help="name of the measure")
    parser.add_argument(
        "--measured-by",
        type=json.loads,
        required=True,
        help="JSON: kind, options, attacks, and files of the measures that it is made from",
    )
    parser.add_argument("--images", type=Path, help="attacked images; clean ones where left out")
    parser.add_argument("--splits", type=json.loads, required=True, help="JSON: images per split")
    parser.add_argument("--reference", type=int, default=1000, help="training images to compare to")
    parser.add_argument("--study-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="the repetition, a column")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--code", default="", help="digest of the code, part of the shards' key")
    parser.add_argument("--part", help="3/8: compute only this part's shards, and write no output")
    parser.add_argument("--costs", type=Path, required=True, help="JSON of costs to write")
    parser.add_argument("--out", type=Path, required=True, help="rows.parquet to write")
    arguments = parser.parse_args(argv)
    from robustgen.jobs.measure import MeasureJob, run

    given = vars(arguments)
    costs_file, told = given.pop("costs"), given.pop("measured_by")
    job = MeasureJob(**given, **told)
    facts = {"model": job.model.name, "attack": job.attack, "measure": job.measure}
    with meter(costs_file, rule="measure", **facts, seed=job.seed):
        run(job)


if __name__ == "__main__":
    command(main)
