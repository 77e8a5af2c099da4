"""Which jobs of a study are current, and why others are not.

A job is *current* when

1. its seal exists, and all its files exist with the checksums that the seal notes: it ended well,
   it was made from all of its inputs, and nobody has changed what it wrote (attacked images may be
   gone, for they are deleted once they are scored);
2. Snakemake has a record of how its files were made, and this record names today's settings, code
   and inputs;
3. every job that makes one of its inputs is current too.

Snakemake checks the second point, but only for files that are there and have a record: it takes a
file without a record for unchanged, and does not ask for a file in the middle of the flow. A failed
job leaves neither file nor record, so what was made from its older files would pass for done.
`outdated` finds the jobs that fail point 1 or have no record; the workflow forces them, and
Snakemake makes again whatever depends on them.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

from robustgen.core import seals
from robustgen.study.flow import Job

# of Snakemake: a file per output, named by its path in base64
RECORDS = Path(".snakemake/metadata")
TOLD = 10  # files that are told before a run
LONGEST = 254  # letters of a name; longer ones are folders of such pieces


def outdated(
    jobs: Iterable[Job], *, records: Path | None = RECORDS, thorough: bool = False
) -> dict[Job, str]:
    """The jobs that are not current by themselves, each with the reason; without `records` the
    seals alone count.
    """
    reasons = {
        job: seals.fault(job.seal, job.standing, thorough=thorough) or _unrecorded(job, records)
        for job in jobs
    }
    return {job: reason for job, reason in reasons.items() if reason}


def inherited(jobs: Iterable[Job], faults: dict[Job, str]) -> dict[Job, str]:
    """All jobs that are not current: those with a fault of their own, and those that rest on one of
    them.
    """
    jobs, reasons = list(jobs), dict(faults)
    maker = {path: job for job in jobs for path in job.files}

    def settle(job: Job) -> str:
        if job not in reasons:
            reasons[job] = ""  # until its inputs are known; the flow has no circle
            bad = (path for path in job.inputs if path in maker and settle(maker[path]))
            reasons[job] = (
                f"it rests on {path}, which is not current" if (path := next(bad, None)) else ""
            )
        return reasons[job]

    return {job: reason for job in jobs if (reason := settle(job))}


def tell(jobs: Iterable[Job]) -> None:
    """Print which files are there but not what a run may rest on."""
    reasons = list(outdated(job for job in jobs if not job.absent).values())
    for reason in reasons[:TOLD]:
        print(f"{reason}; it is made again.", flush=True)
    if len(reasons) > TOLD:
        print(f"... and {len(reasons) - TOLD} more.", flush=True)


def _unrecorded(job: Job, records: Path | None) -> str:
    if records is None or all(record_of(path, records).exists() for path in job.lasting):
        return ""
    return f"the record of how {job.lasting[0]} was made is lost"


def record_of(path: str, records: Path = RECORDS) -> Path:
    """Where Snakemake keeps its record of a file."""
    name = urlsafe_b64encode(os.fsencode(path)).decode()
    pieces = [name[start : start + LONGEST] for start in range(0, len(name), LONGEST)]
    return records.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])
