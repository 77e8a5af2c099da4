"""What stays of a run that counts: small files that a reader can judge it by, and compare a run of
their own with.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from robustgen.core.commit import commit
from robustgen.core.files import atomic, read_json, write_json, write_text
from robustgen.core.literals import literal
from robustgen.core.refusal import Refused
from robustgen.report.provenance import provenance
from robustgen.study import costs, current
from robustgen.study.config import checked
from robustgen.study.estimate import device_of
from robustgen.study.flow import jobs
from robustgen.study.plan import plan_of

KEPT = (
    "tables/*.csv",
    "tables/*.md",
    "tables/*.json",  # which name the axes of their rows
    "figures/*.png",
    "claims/verdicts.json",
    "training/*/*/history.csv",
    "config.json",
)


def publish(study: Path, out: Path) -> list[Path]:
    """Copy them from a study that is whole; the files that were written."""
    config = read_json(study / "config.json")
    plan = plan_of(checked(config), study)
    for job, reason in current.inherited(
        found := jobs(plan), current.outdated(found, records=None, thorough=True)
    ).items():
        raise Refused(
            f"{study} is not whole: {job.rule} {job.name}: {reason}; finish the run, then "
            "publish it."
        )
    hidden = {
        name
        for name in plan.study.figures
        if literal("figures", plan.kind(name), "SHOWS_DATA", False)
    }
    sources = [
        path for pattern in KEPT for path in sorted(study.glob(pattern)) if path.stem not in hidden
    ]
    at = commit(study)  # of the checkout in which it ran, before this writes into it
    written = [_copy(path, out / path.relative_to(study)) for path in sources]
    origin = {
        key: value
        for key, value in provenance(config, study).items()
        if key not in ("config", "unreadable")
    }
    again = f"snakemake --configfile {out.as_posix()}/config.json"
    write_json(out / "provenance.json", origin | {"again": again, "commit": at})
    write_text(out / "costs.csv", _costs(study))
    return [*written, out / "provenance.json", out / "costs.csv"]


def _copy(source: Path, target: Path) -> Path:
    with atomic(target) as temporary:
        temporary.write_bytes(source.read_bytes())
    return target


def _costs(study: Path) -> str:
    devices = {(rule, name): device_of(facts) for rule, name, facts in costs.metered(study)}
    usual = next(iter(devices.values()), "")
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["rule", "job", "seconds", "cpu_seconds", "peak_mb", "device", "gpu_seconds"])
    for one in costs.costs(study):
        device = devices.get((one.rule, one.name), usual)
        lines.writerow(
            [
                one.rule,
                one.name,
                f"{one.seconds:.1f}",
                f"{one.cpu:.1f}",
                f"{one.peak_mb:.0f}",
                device,
                f"{one.gpu:.1f}",
            ]
        )
    return text.getvalue()
