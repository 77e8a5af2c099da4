"""Settings of a running Snakemake: what version 9.27 does more often than it need is done less
often, with the same results.
"""

from __future__ import annotations

import os
from functools import wraps
from typing import Any

from snakemake.io import _IOFile


def unhurried(workflow: Any) -> None:
    """On one machine, take away the limit of jobs per second, which no run comes near.

    With it Snakemake starts a timer at the end of each look for jobs to start, which starts the
    next look: for every job that ends, one more look each second until the end of the run.
    """
    if workflow.local_exec:
        workflow.scheduling_settings.max_jobs_per_timespan = None


def hash_once() -> None:
    """Keep the checksum of a file for as long as the file stays as it is.

    When a job has ended, Snakemake computes the checksum of each of its inputs, and that once for
    each of its outputs: 20,000 times in the demo, more than half of what it takes of a processor.
    """
    plain, known = _IOFile.checksum, dict[tuple[Any, ...], str | None]()

    @wraps(plain)
    async def checksum(file: Any, *settings: Any, **named: Any) -> str | None:
        try:
            now = os.stat(file)
        except OSError:
            return await plain(file, *settings, **named)
        state = (str(file), now.st_ino, now.st_size, now.st_mtime_ns)
        key = (*state, *settings, *sorted(named.items()))
        if key not in known:
            known[key] = await plain(file, *settings, **named)
        return known[key]

    _IOFile.checksum = checksum
