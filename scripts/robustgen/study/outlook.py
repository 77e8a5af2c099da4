"""The outlook on a run, as text: jobs and hours per rule and device, disk, downloads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from robustgen.core.cache import VARIABLE
from robustgen.data.download.sources import rows_of
from robustgen.study.costs import duration
from robustgen.study.estimate import (
    FACTOR,
    Estimate,
    Past,
    Pending,
    estimates,
    image_bytes,
    operations,
)
from robustgen.study.plan import Plan
from robustgen.study.stages import STAGES

GPU_RULES = [name for name, stage in STAGES.items() if stage.nets]
UNKNOWN = "nothing comparable"


def outlook(jobs: Sequence[Pending], plan: Plan, measured: Sequence[Past]) -> str:
    """What a run of these jobs would take: first the time that is known, then the jobs rule by
    rule.
    """
    if not jobs:
        return "Nothing would run: everything is up to date."
    by_device = _by_device(jobs, plan, measured)
    lines = [
        f"Study {plan.study.study}: {len(jobs)} jobs would run.",
        *(_total(*one) for one in by_device.items()),
        "",
    ]
    lines += [*_table(jobs, by_device), ""]
    return "\n".join([*lines, *_notes(jobs, plan, by_device)])


def _by_device(
    jobs: Sequence[Pending], plan: Plan, measured: Sequence[Past]
) -> dict[str, list[Estimate]]:
    """The estimates on each device that ran nets, the one first on which most jobs can be
    foretold.
    """
    devices = sorted({job.device for job in measured if job.rule in GPU_RULES})
    by_device = {device: estimates(jobs, plan, measured, device) for device in devices}
    return dict(sorted(by_device.items(), key=lambda one: -len(_known(one[1]))))


def _known(each: Sequence[Estimate]) -> list[float]:
    return [one.seconds for one in each if one.seconds is not None]


def _total(device: str, each: Sequence[Estimate]) -> str:
    """The time of all jobs on a device."""
    known, lacking = _known(each), len(each) - len(_known(each))
    if not known:
        return f"{device}: nothing comparable was measured there, so no time can be told."
    if not lacking:
        return f"{device}: {duration(sum(known))}, one job after another."
    count = f"{len(known)} of {len(each)} jobs"
    return (
        f"{device}: {duration(sum(known))} for {count}, one after another; for {lacking} "
        "nothing comparable was measured."
    )


def _table(jobs: Sequence[Pending], by_device: dict[str, list[Estimate]]) -> list[str]:
    """A line per rule: its jobs and their time on each device."""
    rules = [*dict.fromkeys(job.rule for job in jobs), "all"]
    columns = [
        ["rule", *rules],
        ["jobs", *(str(sum(rule in ("all", job.rule) for job in jobs)) for rule in rules)],
    ]
    for device, each in by_device.items():
        columns.append(
            [
                device,
                *(_hours([one for one in each if rule in ("all", one.job.rule)]) for rule in rules),
            ]
        )
    widths = [max(map(len, column)) for column in columns]
    cells = [
        [cell.rjust(width) for cell in column]
        for column, width in zip(columns, widths, strict=True)
    ]
    cells[0] = [cell.ljust(widths[0]) for cell in columns[0]]
    return ["  ".join(line).rstrip() for line in zip(*cells, strict=True)]


def _hours(each: Sequence[Estimate]) -> str:
    known = _known(each)
    some = f" for {len(known)}" if len(known) < len(each) else ""
    return f"{duration(sum(known))}{some}" if known else UNKNOWN


def _notes(jobs: Sequence[Pending], plan: Plan, by_device: dict[str, list[Estimate]]) -> list[str]:
    notes = [
        "Times are those of measured jobs of the same rule on that device, scaled to the size of "
        "the pending ones (operations, "
        f"images or rows); comparable are sizes within a factor of {FACTOR}."
    ]
    if not by_device:
        notes = [
            (
                "No earlier run was measured here, so no time can be told: run `make demo`, or one "
                "table of this study, first."
            )
        ]
    elif not any(_known(each) for each in by_device.values()):
        notes.append("Run one table of this study first; it tells the rest.")
    for device, each in by_device.items():
        nets, others = (
            _known([one for one in each if (one.job.rule in GPU_RULES) is ours])
            for ours in (True, False)
        )
        rest = f"; all else: {duration(sum(others))} of a processor" if others else ""
        if nets:
            notes.append(f"Nets on {device}: {duration(sum(nets))} of one such device{rest}.")
    if os.environ.get(VARIABLE) and any(job.rule == "train" for job in jobs):
        notes.append(f"A net that {VARIABLE} holds is taken from there; here it counts as trained.")
    if total := operations(jobs, plan):
        notes.append(f"Passes through nets: {total:.2g} floating point operations.")
    return [*notes, *_disk(jobs, plan), *_downloads(jobs)]


def _disk(jobs: Sequence[Pending], plan: Plan) -> list[str]:
    sizes = image_bytes(jobs, plan)
    if not sizes:
        return []
    kept = "kept" if plan.study.keep_images else "each deleted once it is scored"
    written = (
        f"{sum(sizes) / 1e9:.2f} GB in all, at most {max(sizes) / 1e9:.2f} GB a job, {kept} "
        "(keep_images)"
    )
    return [
        (f"Attacked images: {written}; {shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB are free.")
    ]


def _downloads(jobs: Sequence[Pending]) -> list[str]:
    sources = sorted(job.wildcards["source"] for job in jobs if job.rule == "fetch")
    if not sources:
        return []
    rows = [row for source in sources for row in rows_of(source) if row.url]
    known = sum(int(row.bytes) for row in rows if row.bytes)
    more = "" if all(row.bytes for row in rows) else " and files whose size is not known"
    return [
        (
            f"Downloads, where they are not in the data root already: {', '.join(sources)} "
            f"({known / 1e6:.0f} MB{more})."
        )
    ]
