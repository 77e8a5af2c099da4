"""Attacked images that a killed run left: large, and of no use once they are scored."""

from __future__ import annotations

from pathlib import Path

from robustgen.core import seals
from robustgen.study.flow import PASSING, Job, jobs
from robustgen.study.plan import Plan


def remove_images(plan: Plan) -> None:
    """Delete the attacked images that all who need them have used since they were made, unless the
    study keeps them.
    """
    if plan.study.keep_images:
        return
    all_jobs = jobs(plan)
    files = {path for job in all_jobs for path in job.files if Path(path).name in PASSING}
    for path in files:
        users = [job for job in all_jobs if path in job.inputs]
        if Path(path).exists() and users and all(_used(path, job) for job in users):
            Path(path).unlink()


def _used(path: str, job: Job) -> bool:
    """Whether a job ended well after the file was made."""
    if seals.fault(job.seal, job.lasting):
        return False
    return Path(path).stat().st_mtime_ns <= Path(job.lasting[0]).stat().st_mtime_ns
