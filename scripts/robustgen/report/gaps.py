"""What failed, what waits for it, and what is there but not current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from robustgen.study import current
from robustgen.study.flow import Job

LINES, BYTES = 12, 20_000  # of a log, from its end


@dataclass(frozen=True)
class Gap:
    """A job whose files are not all there, with the end of its log where it has one."""

    job: Job
    log: str

    @property
    def why(self) -> str:
        """One sentence on the cause."""
        if self.job.lacking:
            more = len(self.job.lacking) - 1
            return f"waits for {self.job.lacking[0]}" + (f" and {more} more" if more else "")
        return "failed, or its files were removed" if self.log else "has not run, or left no word"


def gaps(jobs: list[Job]) -> list[Gap]:
    """The jobs with absent files: those whose inputs are all there (the causes) first."""
    gaps = [Gap(job, tail(Path(job.log))) for job in jobs if job.absent]
    return sorted(gaps, key=lambda gap: bool(gap.job.lacking))


def stale(jobs: list[Job]) -> dict[Job, str]:
    """The jobs whose files are all there but not current, each with the reason."""
    reasons = current.inherited(jobs, current.outdated(jobs, records=None))
    return {job: reason for job, reason in reasons.items() if not job.absent}


def tail(path: Path) -> str:
    """The last lines of a log; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - BYTES))
        lines = file.read().decode("utf-8", errors="replace").rstrip().splitlines()
    return "\n".join(lines[-LINES:])
