"""Making an output outside of Snakemake: the command line, the same as that of its rule."""

from __future__ import annotations

import json

from robustgen.study.flow import Job
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS, PAPER


def arguments(plan: Plan, job: Job) -> list[str]:
    """The arguments of the script that makes a table, a figure or the verdicts."""
    if job.rule == "judge_claims":
        return [*_claims(plan), "--out", job.files[0]]
    made = [
        "--kind",
        plan.kind(job.name),
        "--spec",
        plan.output(job.name),
        "--files",
        json.dumps(plan.needs(job.name)),
    ]
    paper = ["--paper", PAPER] if job.rule == "make_table" else []
    return [*made, *paper, "--out", job.files[0]]


def _claims(plan: Plan) -> list[str]:
    rows = json.dumps(plan.judged())
    return ["--claims", CLAIMS, "--models", plan.model_facts(), "--rows", rows]
