"""Making outputs outside of Snakemake, after failures: which can be made, and by which command
line, the same as that of the rule.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from robustgen.core import seals
from robustgen.study.flow import Job, jobs
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS, PAPER

Makers = Mapping[str, Callable[[list[str]], None]]  # rule -> `main` of its script


def salvage(plan: Plan, makers: Makers) -> str:
    """Make the tables, figures and verdicts that can be made, then the report; gives a sentence on
    what is missing.
    """
    *others, report = jobs(plan)
    for job in others:
        if job.rule in makers and can_be_made(job):
            _attempt(job, arguments(plan, job), makers[job.rule])
    _unseal(report)
    makers[report.rule](arguments(plan, report))
    missing = sum(len(job.absent) for job in others)
    files = "file" if missing == 1 else "files"
    return f"The report is {report.files[0]}; {missing} {files} of the study missing."


def can_be_made(job: Job) -> bool:
    """Whether an output is not what its job wrote, and a result that it is made from exists."""
    there = set(job.inputs) - set(job.lacking) - {PAPER, CLAIMS}
    return bool(there and seals.fault(job.seal, job.lasting))


def arguments(plan: Plan, job: Job) -> list[str]:
    """The arguments of the script that makes a table, a figure, the verdicts or the report."""
    if job.rule == "judge_claims":
        return [*_claims(plan), "--out", job.files[0]]
    if job.rule == "write_report":
        return ["--config", f"{plan.root}/config.json", "--out", job.files[0]]
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


def _attempt(job: Job, argv: list[str], make: Callable[[list[str]], None]) -> None:
    """Make an output; a failure is told, on stderr and in the log, and costs no other output."""
    _unseal(job)
    try:
        make(argv)
    except Exception as error:
        Path(job.log).parent.mkdir(parents=True, exist_ok=True)
        told = f"{job.rule} {job.name}".strip() + f": {type(error).__name__}: {error}"
        with Path(job.log).open("a", encoding="utf-8") as log:
            for stream in (sys.stderr, log):
                print(told, file=stream)


def _unseal(job: Job) -> None:
    """Remove a job's seal before its files are made, so that a kill leaves nothing that passes for
    whole.
    """
    Path(job.seal).unlink(missing_ok=True)
