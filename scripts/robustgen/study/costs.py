"""What the study cost: seconds, CPU and GPU seconds, and memory per rule and per job, from
benchmarks, costs.json files and seals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustgen.core.seals import FOLDER
from robustgen.study.facts import benchmark, facts

DEAREST = 10


@dataclass(frozen=True)
class Cost:
    """The last run of one job."""

    rule: str
    name: str
    seconds: float
    cpu: float
    peak_mb: float
    gpu: float = 0.0  # seconds for which it held a GPU: all of them, or none


def costs(folder: Path) -> list[Cost]:
    """One cost per job: as Snakemake saw the whole process, and as the job metered itself."""
    all_costs = [_own(*job) for job in metered(folder)]
    all_costs += [
        cost
        for path in sorted((folder / "benchmarks").rglob("*.tsv"))
        if (cost := _benchmark(path, folder))
    ]
    timed = {(cost.rule, cost.name) for cost in all_costs}
    all_costs += [_own(*job) for job in _sealed(folder) if job[:2] in timed]
    merged: dict[tuple[str, str], Cost] = {}
    for cost in all_costs:
        key = cost.rule, cost.name
        merged[key] = _larger(merged[key], cost) if key in merged else cost
    on_gpu = {(rule, name) for rule, name, told in metered(folder) if gpu_of(told)}
    return [
        replace(cost, gpu=cost.seconds) if key in on_gpu else cost for key, cost in merged.items()
    ]


def gpu_of(told: dict[str, Any]) -> str:
    """The GPU that a job's facts name; empty where it had none."""
    device = str(told.get("device", "cpu"))
    return "" if device == "cpu" else device


def per_rule(all_costs: list[Cost]) -> list[dict[str, Any]]:
    """Jobs, sums of seconds, and the highest memory of each rule, the dearest rule first, and of
    all.
    """
    rules = [
        _sum(rule, [cost for cost in all_costs if cost.rule == rule])
        for rule in {cost.rule for cost in all_costs}
    ]
    return [*sorted(rules, key=lambda row: (-row["seconds"], row["rule"])), _sum("all", all_costs)]


def dearest(all_costs: list[Cost]) -> list[Cost]:
    """The jobs that took longest."""
    return sorted(all_costs, key=lambda cost: (-cost.seconds, cost.rule, cost.name))[:DEAREST]


def metered(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """(rule, name, facts) of every readable costs.json of the study."""
    records = []
    for path in sorted(folder.rglob("costs.json")):
        if told := facts(path):
            room, *axes = path.relative_to(folder).parts
            records.append((str(told.get("rule", room)), "/".join(axes[:-1]), told))
    return records


def _sealed(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(rule, name, facts) of every readable seal of the study."""
    for path in sorted((folder / FOLDER).rglob("*.json")):
        rule, *axes = path.relative_to(folder / FOLDER).with_suffix("").parts
        yield rule, "/".join(axes), facts(path)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02d} s"
        if minutes < 60
        else (f"{minutes // 60} h {minutes % 60:02d} min")
    )


def _larger(one: Cost, other: Cost) -> Cost:
    """The larger of each number: Snakemake samples processor time and memory, misses the last
    seconds of a job, and sees nothing of one that a warm process runs.
    """
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("seconds", "cpu", "peak_mb"))
    return Cost(one.rule, one.name, *(max(pair) for pair in pairs))


def _sum(rule: str, all_costs: list[Cost]) -> dict[str, Any]:
    return {
        "rule": rule,
        "jobs": len(all_costs),
        "seconds": sum(cost.seconds for cost in all_costs),
        "cpu": sum(cost.cpu for cost in all_costs),
        "gpu": sum(cost.gpu for cost in all_costs),
        "peak_mb": max((cost.peak_mb for cost in all_costs), default=0.0),
    }


def _benchmark(path: Path, folder: Path) -> Cost | None:
    """The last line of a benchmark; None where it holds none."""
    rule, *rest = path.relative_to(folder / "benchmarks").with_suffix("").parts
    rows = benchmark(path)
    if not rows:
        return None
    last = rows[-1]
    return Cost(
        rule, "/".join(rest), *(_number(last.get(key)) for key in ("s", "cpu_time", "max_rss"))
    )


def _own(rule: str, name: str, told: dict[str, Any]) -> Cost:
    return Cost(
        rule, name, *(_number(told.get(key)) for key in ("seconds", "cpu_seconds", "peak_mb"))
    )


def _number(value: Any) -> float:
    """A number; 0 where Snakemake was too late to measure one."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0
