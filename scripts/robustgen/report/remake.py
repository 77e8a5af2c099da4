"""Making an output outside of Snakemake: the command line, the same as that of its rule, and what is left to be made anew."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from robustgen.core.plan import Plan
from robustgen.report.flow import CLAIMS, PAPER, Job

METADATA = Path(".snakemake/metadata")  # a record per file, named by its path in base64


def arguments(plan: Plan, job: Job) -> list[str]:
    """The arguments of the script that makes a table, a figure or the verdicts."""
    if job.rule == "judge_claims":
        return [*_claims(plan), "--out", job.files[0]]
    made = ["--kind", plan.kind(job.name), "--spec", plan.output(job.name), "--files", json.dumps(plan.needs(job.name))]
    paper = ["--paper", PAPER] if job.rule == "make_table" else []
    return [*made, *paper, "--out", job.files[0]]


def outdate(job: Job) -> None:
    """Make an output with gaps older than its inputs, so that the next run makes what it lacks, and it anew.

    Snakemake must forget its inputs' checksums too, or it would take the output for made of the same.
    """
    if set(job.lacking) - {PAPER, CLAIMS}:
        oldest = min(Path(path).stat().st_mtime for path in job.inputs if Path(path).exists())
        for path in filter(Path.exists, map(Path, job.files)):
            os.utime(path, (oldest - 1, oldest - 1))
            (METADATA / base64.urlsafe_b64encode(str(path).encode()).decode()).unlink(missing_ok=True)


def _claims(plan: Plan) -> list[str]:
    return ["--claims", CLAIMS, "--models", plan.trained(), "--scores", *plan.scored()]
