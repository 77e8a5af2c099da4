"""Running a study's Snakemake: a killed run's lock is cleared, a live one is left alone, and each job is one line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LOCKS = Path(".snakemake/locks")
RUNS = Path(".snakemake/robustgen-runs")  # one empty file per process


@contextmanager
def registered(unlock: list[str]) -> Iterator[list[int]]:
    """Note this process among the runs of the folder and give the others that are alive.

    Where none is, the lock that a killed run left is cleared; where one is, Snakemake's own lock decides: it refuses
    only runs that write the same files.
    """
    alive = [pid for pid in map(int, (path.name for path in RUNS.glob("*"))) if _alive(pid)]
    if not alive and LOCKS.exists() and any(LOCKS.iterdir()):
        print("An earlier run was killed; its lock is cleared and what it had finished is kept.", flush=True)
        subprocess.run([*unlock, "--unlock"], check=True, capture_output=True)
    mine = RUNS / str(os.getpid())
    RUNS.mkdir(parents=True, exist_ok=True)
    mine.touch()
    try:
        yield alive
    finally:
        mine.unlink(missing_ok=True)


def run(command: list[str], log: Path) -> int:
    """Run Snakemake, keep all it says in `log`, and print a line per job; gives its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
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


@dataclass
class Seen:
    """What has been read of Snakemake's output so far."""

    rule: str = ""
    names: dict[str, str] = field(default_factory=dict)  # jobid -> rule and wildcards
    starts: dict[str, float] = field(default_factory=dict)
    job: str = ""
    finished: str = ""


def jobs(lines: Iterable[str]) -> Iterator[str]:
    """A line per finished or failed job, and whatever Snakemake says of errors."""
    seen = Seen()
    for line in lines:
        text = line.strip()
        if found := re.match(r"(?:local)?rule (\w+):", text):
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
        elif re.search(
            r"(Nothing to be done|Error in rule|Error:|Refused|BadFile|Diverged|Exception|configuration has|^- \w+\.)", text
        ):
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


def _alive(pid: int) -> bool:
    try:
        return bool(pid) and "run_study" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
