"""The runs of a folder: who works here, and what a killed run left behind: processes, SLURM jobs,
locks, temporary files.

Each run notes its process, its host and a token; every process that it starts carries the token in
its environment, so that the processes of a run whose launcher is dead are found and ended before
the next run begins.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from robustgen.core.files import RESULTS, leftovers
from robustgen.core.refusal import Refused
from robustgen.run.processes import end, marked, works_here

LOCKS = Path(".snakemake/locks")
# a file per launcher, named by its process: host and token
RUNS = Path(".snakemake/robustgen-runs")
LOGS = Path(".snakemake")
TOKEN = "ROBUSTGEN_RUN"
# in the environment of SLURM's jobs, which `clear` cancels after the Snakemake that submitted them
IN_SLURM = "SLURM_JOB_ID"


@dataclass(frozen=True)
class Run:
    """A noted run of this folder."""

    process: int
    host: str
    token: str

    @property
    def alive(self) -> bool:
        """Whether its launcher lives; of another host's run nothing can be known."""
        return self.host != platform.node() or works_here(self.process, "run_study")


@contextmanager
def registered(*, clear: Callable[[list[int]], None] | None = None) -> Iterator[list[int]]:
    """Clear what dead runs left, note this one, and give the processes of those that are alive.

    `clear` removes the SLURM jobs of dead runs. Snakemake's lock of a dead run is cleared; a live
    run, or a Snakemake that was started by hand, keeps its lock. Of several processes that start at
    once, one after the other does this.
    """
    _refuse_unwritable(RESULTS)
    RUNS.mkdir(parents=True, exist_ok=True)
    with RUNS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        alive = _sorted_out(clear)
        mine = RUNS / str(os.getpid())
        os.environ[TOKEN] = uuid4().hex
        mine.write_text(f"{platform.node()} {os.environ[TOKEN]}", encoding="utf-8")
    try:
        yield alive
    finally:
        mine.unlink(missing_ok=True)


def end_own() -> None:
    """End every process that this run has started, apart from SLURM's jobs."""
    if token := os.environ.get(TOKEN):
        end(marked(TOKEN, [token], but=IN_SLURM))


def log_of_this_run() -> Path:
    """Where all that Snakemake says in this run is kept."""
    return LOGS / f"robustgen-{os.getpid()}.log"


def _sorted_out(clear: Callable[[list[int]], None] | None) -> list[int]:
    runs = [run for path in RUNS.iterdir() if (run := _read(path))]
    alive, dead = [run for run in runs if run.alive], [run for run in runs if not run.alive]
    for run in (run for run in alive if run.host != platform.node()):
        note = RUNS / str(run.process)
        print(
            (
                f"A run was started on {run.host}, process {run.process}; if it has ended, delete "
                f"{note}."
            ),
            flush=True,
        )
    if left := marked(TOKEN, [run.token for run in dead], but=IN_SLURM):
        print(
            (
                f"A killed run has left processes ({', '.join(map(str, left))}); they are ended "
                "first."
            ),
            flush=True,
        )
        end(left)
    if clear:
        clear([run.process for run in alive])
    for run in dead:
        (RUNS / str(run.process)).unlink(missing_ok=True)
        (LOGS / f"robustgen-{run.process}.log").unlink(missing_ok=True)
    if not alive and not _by_hand():
        _clear_lock()
        for path in leftovers(RESULTS):
            path.unlink(missing_ok=True)
    return [run.process for run in alive]


def _read(path: Path) -> Run | None:
    """The run that a note tells of; None for a file that is no note."""
    with suppress(OSError, ValueError):
        host, token = [*path.read_text(encoding="utf-8").split(), platform.node(), "none"][:2]
        return Run(int(path.name), host, token)
    return None


def _by_hand() -> list[int]:
    """Snakemakes that work here and were started without the launcher."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [
        number for number in numbers if number != os.getpid() and works_here(number, "snakemake")
    ]


def _clear_lock() -> None:
    """Remove Snakemake's lock, as `snakemake --unlock` does once it has planned the whole study."""
    if LOCKS.exists() and any(LOCKS.iterdir()):
        print(
            ("An earlier run was killed; its lock is cleared and what it had finished is kept."),
            flush=True,
        )
        shutil.rmtree(LOCKS)


def _refuse_unwritable(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written to: {error.strerror}; fix that, then run again."
        ) from error
