"""Where the numbers come from: commit, code digests, versions, machine, lock, commands,
configuration.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from robustgen.core.cache import TAKEN
from robustgen.core.commit import commit
from robustgen.core.digest import ROOT
from robustgen.study.costs import costs, gpu_of, metered
from robustgen.study.facts import unreadable
from robustgen.study.flow import Job

HOUR = 3600  # seconds
LOCK = ROOT.parent / "envs/requirements.lock"


def provenance(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """All that is known of how the results were made."""
    jobs = metered(folder)
    return {
        "unreadable": unreadable(folder),
        "again": again(config, folder),
        "commit": commit(ROOT),
        "lock": hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if LOCK.is_file()
        else ("no lock file beside the code"),
        "hours": _hours(folder, jobs),
        "machine": _machine([facts for _, _, facts in jobs]),
        "versions": _versions([facts for _, _, facts in jobs]),
        "codes": _codes(jobs),
        "taken": _taken(jobs),
        "commands": [
            f"python scripts/{shlex.join(map(str, facts['command']))}"
            for *_, facts in jobs
            if facts.get("command")
        ],
        "config": json.dumps(config, indent=2, ensure_ascii=False),
    }


def again(config: dict[str, Any], folder: Path) -> str:
    """The command that makes the whole study again."""
    study = str(config.get("study", "paper"))
    if is_named(study):
        return f"make study STUDY={study}"
    return f"snakemake --configfile {shlex.quote((folder / 'config.json').as_posix())}"


def is_named(study: str) -> bool:
    """Whether the Makefile knows a study by its name alone."""
    return study == "paper" or (ROOT.parent / f"config/{study}.yaml").exists()


def finished(jobs: list[Job]) -> str:
    """When the newest file of the study was written."""
    times = [
        Path(path).stat().st_mtime for job in jobs for path in job.files if Path(path).exists()
    ]
    return (
        datetime.fromtimestamp(max(times), UTC).strftime("%Y-%m-%d %H:%M UTC")
        if times
        else "nothing made yet"
    )


def _hours(folder: Path, jobs: list[tuple[str, str, dict[str, Any]]]) -> dict[str, str]:
    """CPU-hours, and GPU-hours by GPU: a job holds its GPU for as long as it runs."""
    spent = costs(folder)
    told = {"CPU-hours": _said(sum(one.cpu for one in spent)), "GPU-hours": "none"}
    gpus = {(rule, name): gpu for rule, name, facts in jobs if (gpu := gpu_of(facts))}
    if gpus:
        seconds = dict.fromkeys(gpus.values(), 0.0)
        for one in spent:
            if one.gpu:
                seconds[gpus[one.rule, one.name]] += one.gpu
        most = sorted(seconds.items(), key=lambda pair: -pair[1])
        each = (f"{_said(total)} on {gpu}" for gpu, total in most)
        told["GPU-hours"] = "; ".join(each)
        held = (facts.get("gpu_peak_mb") for _, _, facts in jobs)
        peak = max((one for one in held if isinstance(one, int | float)), default=0.0)
        told["GPU memory"] = f"{peak:.0f} MB in the largest job"
    return told


def _said(seconds: float) -> str:
    """Seconds as hours, with more digits where they are few."""
    hours = seconds / HOUR
    return f"{hours:.{2 if hours >= 0.1 else 4}f}"


def _machine(all_facts: list[dict[str, Any]]) -> dict[str, str]:
    """Processors, devices with their drivers, precisions and Pythons that jobs report, each with
    its number of jobs.
    """
    wanted = {
        "processor": "Processor",
        "cores": "Cores",
        "device": "Device",
        "driver": "NVIDIA driver",
        "cuda": "CUDA",
        "cudnn": "cuDNN",
        "precision": "Precision",
        "python": "Python",
    }
    counted = {
        title: Counter(str(facts[key]) for facts in all_facts if key in facts)
        for key, title in wanted.items()
    }
    return {title: _counted(counter) for title, counter in counted.items() if counter}


def _versions(all_facts: list[dict[str, Any]]) -> dict[str, str]:
    pairs = sorted(
        {
            (name, str(value))
            for facts in all_facts
            for name, value in facts.get("versions", {}).items()
        }
    )
    names = dict.fromkeys(name for name, _ in pairs)
    return {name: " and ".join(value for other, value in pairs if other == name) for name in names}


def _codes(jobs: list[tuple[str, str, dict[str, Any]]]) -> dict[str, str]:
    """Rule -> the digests of the code that its jobs ran with, where the command names them."""
    counters: dict[str, Counter[str]] = {}
    for rule, _, facts in jobs:
        command = facts.get("command", [])
        if "--code" in command[:-1]:
            counters.setdefault(rule, Counter())[
                str(command[command.index("--code") + 1]).split(" ")[0]
            ] += 1
    return {rule: _counted(counter) for rule, counter in counters.items()}


def _taken(jobs: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """A line for each job that found its files in the cache: when and at which commit they were
    made.
    """
    return [
        f"{rule} {name}: {facts[TAKEN].get('at')}; commit: {facts[TAKEN].get('commit')}"
        for rule, name, facts in jobs
        if isinstance(facts.get(TAKEN), dict)
    ]


def _counted(counter: Counter[str]) -> str:
    if len(counter) == 1:
        return next(iter(counter))
    return "; ".join(
        f"{value} ({count} jobs)" if count > 1 else f"{value} (1 job)"
        for value, count in counter.items()
    )
