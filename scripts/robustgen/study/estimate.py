"""How long a run will take and how much disk it needs, from what earlier jobs on this or another
study were measured to cost.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from robustgen.core.files import BadFile, read_json
from robustgen.study.costs import costs, gpu_of, metered
from robustgen.study.plan import Plan
from robustgen.study.schema import Study
from robustgen.study.stages import STAGES
from robustgen.study.work import Work

ANY_SIZE = ("write_config", "write_report")  # short, whatever the study
# jobs are comparable whose sizes differ by no more: small nets use a device worse than large ones
FACTOR = 10


@dataclass(frozen=True)
class Past:
    """A job that ran: what it took, on what, and its size where that can be told."""

    rule: str
    seconds: float
    device: str
    size: float | None


class Pending(Protocol):
    """A job that a run would start."""

    rule: str
    wildcards: dict[str, str]


@dataclass(frozen=True)
class Estimate:
    """A pending job: its seconds on a device, None where nothing comparable was measured there."""

    job: Pending
    seconds: float | None


def past(folders: Sequence[Path]) -> list[Past]:
    """Every measured job of the studies in these folders, whether they ran here or were
    published.
    """
    return [job for folder in folders for job in _past(folder)]


def recorded(folder: Path) -> Plan | None:
    """The plan of a study that ran, by the configuration beside its results; None of one whose form
    is older than the project's.
    """
    try:
        return Plan(Study.model_validate(read_json(folder / "config.json")), str(folder.parent))
    except (BadFile, ValueError):
        return None


def estimates(
    jobs: Sequence[Pending], plan: Plan, measured: Sequence[Past], device: str
) -> list[Estimate]:
    """The pending jobs with the time that they would take on a device, by comparable jobs that were
    measured there.
    """
    work, here = Work(plan), [job for job in measured if job.device == device]
    return [
        Estimate(job, _seconds(job.rule, work.size(job.rule, job.wildcards), here)) for job in jobs
    ]


def operations(jobs: Sequence[Pending], plan: Plan) -> float:
    """The floating point operations of the pending jobs, as far as they are known."""
    work = Work(plan)
    return sum(work.operations(job.rule, job.wildcards) or 0 for job in jobs)


def image_bytes(jobs: Sequence[Pending], plan: Plan) -> list[int]:
    """The bytes of the attacked images that each pending attack writes."""
    work = Work(plan)
    return [
        work.images(job.wildcards["model"], job.wildcards["attack"])
        for job in jobs
        if job.rule == "attack"
    ]


def _seconds(rule: str, size: float | None, measured: Sequence[Past]) -> float | None:
    """The median over comparable jobs, those of the same rule and of a similar size, each scaled to
    this size.
    """
    same = [one for one in measured if one.rule == rule]
    if rule in ANY_SIZE:
        return median(one.seconds for one in same) if same else None
    sized = [(one.seconds, one.size) for one in same if size and one.size]
    near = [
        seconds * size / other
        for seconds, other in sized
        if size and 1 / FACTOR <= size / other <= FACTOR
    ]
    return median(near) if near else None


def _past(folder: Path) -> Iterator[Past]:
    plan = recorded(folder)
    if plan is None:
        return
    work = Work(plan)
    for rule, name, seconds, device in _measured(folder):
        wildcards = _wildcards(rule, name)
        yield Past(rule, seconds, device, None if wildcards is None else work.size(rule, wildcards))


def _measured(folder: Path) -> Iterator[tuple[str, str, float, str]]:
    published = folder / "costs.csv"
    if published.exists():
        with published.open(encoding="utf-8", newline="") as file:
            yield from (
                (row["rule"], row["job"], float(row["seconds"]), row["device"])
                for row in csv.DictReader(file)
            )
        return
    devices = {(rule, name): device_of(facts) for rule, name, facts in metered(folder)}
    usual = next(iter(devices.values()), "")
    yield from (
        (cost.rule, cost.name, cost.seconds, devices.get((cost.rule, cost.name), usual))
        for cost in costs(folder)
    )


def device_of(facts: dict[str, Any]) -> str:
    """The GPU of a job, or its processor where it had none."""
    return gpu_of(facts) or str(facts.get("processor", "cpu"))


def _wildcards(rule: str, name: str) -> dict[str, str] | None:
    parts = name.split("/") if name else []
    if rule not in STAGES or len(parts) != len(STAGES[rule].axes):
        return None
    return dict(zip(STAGES[rule].axes, parts, strict=True))
