"""The jobs that a run would start: all of a study that has none yet, else by Snakemake's dry run,
which also says why.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from robustgen.core import seals
from robustgen.core.refusal import Refused
from robustgen.study import flow
from robustgen.study.plan import Plan

COMMAND = "Shell command: "
TARGETS = ("all", "data")  # rules that only name what is to be made


@dataclass
class Job:
    """A job that has not run yet."""

    rule: str
    wildcards: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    command: str = ""
    files: tuple[str, ...] = ()


def unmade(plan: Plan) -> list[Job] | None:
    """All jobs of a study of which no job has ended yet; None of another, about which only
    Snakemake knows.
    """
    if any((Path(plan.root) / seals.FOLDER).rglob("*.json")):
        return None
    return [Job(one.rule, dict(one.axes)) for one in flow.jobs(plan)]


def dry_run(arguments: Sequence[str]) -> str:
    """What Snakemake says that it would do."""
    call = [sys.executable, "-m", "snakemake", "--dry-run", *arguments]
    result = subprocess.run(call, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Refused((result.stderr or result.stdout).strip())
    return result.stdout


def pending(said: str) -> list[Job]:
    """The jobs of a dry run."""
    return [job for job in _jobs(said.splitlines()) if job.reason and job.rule not in TARGETS]


def _jobs(lines: list[str]) -> Iterator[Job]:
    job = Job("")
    for line in lines:
        text = line.strip()
        if hit := re.match(r"(?:local)?rule (\w+):", text):
            yield job
            job = Job(hit[1])
        elif text.startswith("reason: "):
            job.reason = text.removeprefix("reason: ")
        elif text.startswith("wildcards: "):
            job.wildcards = dict(
                pair.split("=", 1) for pair in text.removeprefix("wildcards: ").split(", ")
            )
        elif text.startswith("output: "):
            job.files = tuple(text.removeprefix("output: ").split(", "))
        elif text.startswith(COMMAND):
            job.command = text.removeprefix(COMMAND)
    yield job
