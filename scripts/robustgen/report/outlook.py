"""The outlook on a run, as text: jobs and hours per rule and device, disk, downloads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from robustgen.core.dryrun import Job
from robustgen.core.plan import Plan
from robustgen.data.sources import rows_of
from robustgen.report.costs import duration
from robustgen.report.estimate import Estimate, Past, estimates, image_bytes

GPU_RULES = ("train", "attack", "score")
UNKNOWN = "not measured"


def outlook(jobs: Sequence[Job], plan: Plan, measured: Sequence[Past]) -> str:
    """What a run of these jobs would take."""
    if not jobs:
        return "Nothing would run: everything is up to date."
    devices = sorted({job.device for job in measured if job.rule in GPU_RULES})
    found = {device: estimates(jobs, plan, measured, device) for device in devices}
    rules = list(dict.fromkeys(job.rule for job in jobs))
    lines = [f"{'rule':14}{'jobs':>6}" + "".join(f"  {device}" for device in devices)]
    lines += [_line(rule, jobs, found) for rule in rules] + [_line("all", jobs, found)]
    return "\n".join([f"Study {plan.study.study}: {len(jobs)} jobs would run.", "", *lines, "", *_notes(jobs, plan, found)])


def _line(rule: str, jobs: Sequence[Job], found: dict[str, list[Estimate]]) -> str:
    count = sum(rule in ("all", job.rule) for job in jobs)
    cells = [_hours([one for one in each if rule in ("all", one.job.rule)]) for each in found.values()]
    return f"{rule:14}{count:6}" + "".join(f"  {cell:>{len(device)}}" for device, cell in zip(found, cells, strict=True))


def _hours(each: Sequence[Estimate]) -> str:
    known = [one.seconds for one in each if one.seconds is not None]
    lacking = len(each) - len(known)
    said = duration(sum(known)) if known else UNKNOWN
    return f"{said} + {lacking} jobs {UNKNOWN}" if known and lacking else said


def _notes(jobs: Sequence[Job], plan: Plan, found: dict[str, list[Estimate]]) -> list[str]:
    notes = [
        "Hours are sums over jobs, one after another, by the median speed of measured jobs of the same rule on that device; "
        "small nets use a device worse than large ones, so a demo foretells too many."
    ]
    if not found:
        notes = ["No earlier run was measured here, so no time can be told: run `make demo`, or one table of this study, first."]
    for device, each in found.items():
        seconds = sum(one.seconds or 0 for one in each if one.job.rule in GPU_RULES)
        notes.append(f"Nets on {device}: {duration(seconds)} of one such device ({seconds / 3600:.1f} device hours).")
    operations = [one.operations for each in list(found.values())[:1] for one in each if one.operations]
    if operations:
        notes.append(f"Passes through nets: {sum(operations):.2g} floating point operations.")
    return [*notes, *_disk(jobs, plan), *_downloads(jobs)]


def _disk(jobs: Sequence[Job], plan: Plan) -> list[str]:
    sizes = image_bytes(jobs, plan)
    if not sizes:
        return []
    kept = "kept" if plan.study.keep_images else "each deleted once it is scored"
    written = f"{sum(sizes) / 1e9:.2f} GB in all, at most {max(sizes) / 1e9:.2f} GB a job, {kept} (keep_images)"
    return [f"Attacked images: {written}; {shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB are free."]


def _downloads(jobs: Sequence[Job]) -> list[str]:
    sources = sorted(job.wildcards["source"] for job in jobs if job.rule == "fetch")
    if not sources:
        return []
    rows = [row for source in sources for row in rows_of(source) if row.url]
    known = sum(int(row.bytes) for row in rows if row.bytes)
    more = "" if all(row.bytes for row in rows) else " and files whose size is not known"
    return [f"Downloads, where they are not in the data root already: {', '.join(sources)} ({known / 1e6:.0f} MB{more})."]
