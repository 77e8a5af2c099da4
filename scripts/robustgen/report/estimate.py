"""How long a run will take and how much disk it needs, from what earlier jobs on this or another study were measured to cost."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from robustgen.core.dryrun import Job
from robustgen.core.files import BadFile, read_json
from robustgen.core.plan import Plan
from robustgen.core.schema import Study
from robustgen.report.costs import costs, metered
from robustgen.report.work import Work

AXES = {"train": ("model", "seed"), "attack": ("model", "seed", "attack"), "score": ("model", "seed", "attack")}


@dataclass(frozen=True)
class Past:
    """A job that ran: what it took, on what, and how many operations it computed where that can be told."""

    rule: str
    seconds: float
    device: str
    operations: float | None


@dataclass(frozen=True)
class Estimate:
    """A pending job: its seconds on a device, None where nothing like it was measured there."""

    job: Job
    seconds: float | None
    operations: float | None


def past(folders: Sequence[Path]) -> list[Past]:
    """Every measured job of the studies in these folders, whether they ran here or were published."""
    return [job for folder in folders for job in _past(folder)]


def estimates(jobs: Sequence[Job], plan: Plan, measured: Sequence[Past], device: str) -> list[Estimate]:
    """The pending jobs with the time that they would take on a device, by the speed of measured jobs of the same rule."""
    work, here = Work(plan), [job for job in measured if job.device == device]
    return [Estimate(job, *_seconds(job, work.of(job.rule, job.wildcards), here)) for job in jobs]


def image_bytes(jobs: Sequence[Job], plan: Plan) -> list[int]:
    """The bytes of the attacked images that each pending attack writes."""
    work = Work(plan)
    return [work.images(job.wildcards["model"], job.wildcards["attack"]) for job in jobs if job.rule == "attack"]


def _seconds(job: Job, operations: float | None, measured: Sequence[Past]) -> tuple[float | None, float | None]:
    same = [one for one in measured if one.rule == job.rule]
    rates = [one.operations / one.seconds for one in same if one.operations and one.seconds > 0]
    if operations and rates:
        return operations / median(rates), operations
    if job.rule in AXES:
        return None, operations
    return (median(one.seconds for one in same) if same else None), operations


def _past(folder: Path) -> Iterator[Past]:
    try:
        plan = Plan(Study.model_validate(read_json(folder / "config.json")), str(folder.parent))
    except (BadFile, ValueError):  # a study of an older form tells nothing
        return
    work = Work(plan)
    for rule, name, seconds, device in _measured(folder):
        wildcards = _wildcards(rule, name)
        known = wildcards is not None and wildcards.get("attack", "clean") in (*plan.study.attacks, "clean")
        yield Past(rule, seconds, device, work.of(rule, wildcards) if wildcards and known else None)


def _measured(folder: Path) -> Iterator[tuple[str, str, float, str]]:
    published = folder / "costs.csv"
    if published.exists():
        with published.open(encoding="utf-8", newline="") as file:
            yield from ((row["rule"], row["job"], float(row["seconds"]), row["device"]) for row in csv.DictReader(file))
        return
    devices = {(rule, name): device_of(facts) for rule, name, facts in metered(folder)}
    usual = next(iter(devices.values()), "")
    yield from ((cost.rule, cost.name, cost.seconds, devices.get((cost.rule, cost.name), usual)) for cost in costs(folder))


def device_of(facts: dict[str, Any]) -> str:
    """The GPU of a job, or its processor where it had none."""
    device = str(facts.get("device", "cpu"))
    return str(facts.get("processor", device)) if device == "cpu" else device


def _wildcards(rule: str, name: str) -> dict[str, str] | None:
    parts = name.split("/")
    if rule not in AXES or len(parts) != len(AXES[rule]):
        return None
    return dict(zip(AXES[rule], parts, strict=True))
