"""Running a study's Snakemake: a killed run's lock is cleared, a live one is left alone, and each job is one line."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from robustgen.core import gpus, slurm
from robustgen.core.files import leftovers
from robustgen.core.processes import quoted, works_here
from robustgen.core.refusal import ASIDE, Refused

HEALINGS = 4  # runs in a row, each of which may find another damaged file
RESULTS = Path("results")
LOCKS = Path(".snakemake/locks")
RUNS = Path(".snakemake/robustgen-runs")  # a file per process: its host and its Snakemake's process


TOLD = (
    r"(Nothing to be done|Error in rule|Error:|Refused|BadFile|Diverged|Exception|configuration has|^- \w+\.|SLURM status is"
    r"|SLURM sbatch failed)"
)


@contextmanager
def registered(unlock: list[str], *, clear: Callable[[list[int]], None] | None = None) -> Iterator[list[int]]:
    """Note this process among the runs of the folder and give the others that are alive; `clear` removes what dead ones left.

    Where none is, the lock that a killed run left is cleared; where one is, Snakemake's own lock decides: it refuses
    only runs that write the same files.
    """
    known = [int(path.name) for path in RUNS.glob("*")]
    alive = [pid for pid in known if _alive(pid)]
    if clear:
        clear(alive)
    for dead in set(known) - set(alive):
        (RUNS / str(dead)).unlink(missing_ok=True)
    if not alive and LOCKS.exists() and any(LOCKS.iterdir()):
        print("An earlier run was killed; its lock is cleared and what it had finished is kept.", flush=True)
        subprocess.run([*unlock, "--unlock"], check=True, capture_output=True)
        for path in leftovers(RESULTS):
            path.unlink(missing_ok=True)
    _refuse_unwritable(RESULTS)
    RUNS.mkdir(parents=True, exist_ok=True)
    mine = _note()
    try:
        yield alive
    finally:
        mine.unlink(missing_ok=True)


def _refuse_unwritable(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(f"{folder} cannot be written to: {error.strerror}; mend that, then run again.") from error


def run(command: list[str], log: Path) -> int:
    """Run Snakemake, keep all it says in `log`, and print a line per job; gives its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
    if RUNS.exists():
        _note(process.pid)
    with log.open("w", encoding="utf-8") as file:
        while process.poll() is None:
            try:
                for line in jobs(_kept(process.stdout, file)):
                    print(line, flush=True)
            except KeyboardInterrupt:
                print("Stopping; what is finished is kept, and the same command goes on from here.", flush=True)
                if not _at_a_terminal():  # there, Ctrl-C reaches Snakemake by itself
                    process.send_signal(signal.SIGINT)
    return process.wait()


def healing(command: list[str], log: Path) -> int:
    """Run Snakemake, and again where a job has set a damaged file aside, which is then made anew."""
    for _ in range(HEALINGS):
        status = run(command, log)
        if not status or ASIDE not in log.read_text(encoding="utf-8"):
            break
        print("Damaged files were set aside; they are made anew.", flush=True)
    return status


def side_by_side(arguments: Sequence[str]) -> list[str]:
    """What Snakemake is told on a machine without a GPU: jobs that would take one need not wait for each other."""
    if slurm.wanted(arguments) or "--resources" in arguments or gpus.visible():
        return []
    return ["--resources", f"gpu={os.cpu_count() or 1}"]


@dataclass
class Seen:
    """What has been read of Snakemake's output so far."""

    rule: str = ""
    names: dict[str, str] = field(default_factory=dict)  # jobid -> rule and wildcards
    starts: dict[str, float] = field(default_factory=dict)
    job: str = ""
    finished: str = ""


def jobs(lines: Iterable[str]) -> Iterator[str]:
    """A line per finished or failed job (under SLURM also per submitted one), and whatever Snakemake says of errors."""
    seen = Seen()
    for text, shown in quoted(lines):
        if shown:  # what an inner Snakemake says of its only job is none of ours
            if re.search(TOLD, text):
                yield text
        elif found := re.match(r"(?:local)?rule (\w+):", text):
            seen.rule = found[1]
        elif found := re.match(r"jobid: (\d+)", text):
            seen.job = found[1]
            seen.names.setdefault(seen.job, seen.rule)
            seen.starts.setdefault(seen.job, time.monotonic())
        elif found := re.match(r"wildcards: (.*)", text):
            values = [pair.split("=", 1)[1] for pair in found[1].split(", ")]
            seen.names[seen.job] = " ".join([seen.rule, *values])
        elif found := re.match(r"Finished jobid: (\d+)", text):
            seen.finished = found[1]
        elif found := re.match(r"(\d+) of (\d+) steps", text):
            seconds = time.monotonic() - seen.starts.get(seen.finished, time.monotonic())
            yield f"[{found[1]:>3}/{found[2]}] {seen.names.get(seen.finished, seen.finished)}, {seconds:.1f} s"
        elif found := re.match(r"Job (\d+) has been submitted with SLURM jobid (\d+)", text):
            yield f"{'':9} {seen.names.get(found[1], found[1])}: SLURM job {found[2]}"
        elif found := re.match(r"Trying to restart job (\d+)", text):
            yield f"{'':9} {seen.names.get(found[1], found[1])} is tried again"
        elif re.search(TOLD, text):
            yield text


def _kept(lines: Iterable[str], file: object) -> Iterator[str]:
    for line in lines:
        file.write(line)  # type: ignore[attr-defined]
        file.flush()  # type: ignore[attr-defined]
        yield line


def _at_a_terminal() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _note(*snakemake: int) -> Path:
    mine = RUNS / str(os.getpid())
    mine.write_text(" ".join(map(str, (platform.node(), *snakemake))), encoding="utf-8")
    return mine


def _alive(pid: int) -> bool:
    """Whether that run lives: its launcher, or its Snakemake alone; of another host's runs nothing can be known."""
    host, *snakemake = (RUNS / str(pid)).read_text(encoding="utf-8").split() or [platform.node()]
    if host != platform.node():
        print(f"A run was started on {host}, process {pid}; if it has ended, delete {RUNS / str(pid)}.", flush=True)
        return True
    if works_here(pid, "run_study"):
        return True
    orphans = [process for process in snakemake if works_here(int(process), "snakemake")]
    if orphans:
        print(f"The Snakemake of an earlier start still runs here: process {', '.join(orphans)}.", flush=True)
    return bool(orphans)
