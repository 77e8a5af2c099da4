"""Running a study's Snakemake: each job is one line, each failure one sentence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from robustgen.core.command import DAMAGED
from robustgen.nets import gpus
from robustgen.run import runs, slurm

HEALINGS = 4  # runs in a row, each of which may find another damaged file
TAIL = 20  # lines of Snakemake's that are shown where it failed before any job
TOLD = r"^(Nothing to be done|The report is )|SLURM status is|SLURM sbatch failed"
TRACE = "Traceback (most recent call last):"


def run(command: list[str], log: Path) -> int:
    """Run Snakemake, keep all it says in `log`, and print a line per job; gives its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert process.stdout is not None
    read = threading.Event()  # all that Snakemake and its jobs say
    ender = threading.Thread(target=_end_with, args=(process, read), daemon=True)
    ender.start()
    said, ended = False, False
    with log.open("w", encoding="utf-8") as file:
        while not ended:
            try:
                for line in jobs(_kept(process.stdout, file)):
                    print(line, flush=True)
                    said = said or " failed" in line
                ended = True
            except KeyboardInterrupt:
                print(
                    ("Stopping; what is finished is kept, and the same command goes on from here."),
                    flush=True,
                )
                said = True
                if not _at_a_terminal():  # there, Ctrl-C reaches Snakemake by itself
                    process.send_signal(signal.SIGINT)
    read.set()
    ender.join()  # before another run starts processes with the same token
    if process.wait() > 0 and not said:
        print("\n".join(log.read_text(encoding="utf-8").splitlines()[-TAIL:]), flush=True)
    return process.returncode


def _end_with(process: subprocess.Popen[str], read: threading.Event) -> None:
    """End the jobs that outlive a killed Snakemake: they would hold up this process, and the next
    run.

    It looks until nobody writes any more, for a job that has just been started is not yet known by
    its environment.
    """
    process.wait()
    while not read.wait(0.2):
        runs.end_own()


def healing(command: list[str], log: Path, results: Path) -> int:
    """Run Snakemake, and again where a job has set a damaged file of `results` aside, which is then
    made again.
    """
    for _ in range(HEALINGS):
        before = set(results.rglob(f"*{DAMAGED}"))
        status = run(command, log)
        if not status or not set(results.rglob(f"*{DAMAGED}")) - before:
            break
        print("Damaged files were set aside; they are made again.", flush=True)
    return status


def side_by_side(arguments: Sequence[str]) -> list[str]:
    """What Snakemake is told on a machine without a GPU: jobs that would take one need not wait for
    each other.
    """
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
    told: str = ""  # the failed job whose sentence was given already


def jobs(lines: Iterable[str]) -> Iterator[str]:
    """A line per finished or failed job; under SLURM also per submitted one."""
    seen, texts = Seen(), (line.strip() for line in lines)
    for text in texts:
        if hit := re.match(r"(?:local)?rule (\w+):", text):
            seen.rule = hit[1]
        elif hit := re.match(r"jobid: (\d+)", text):
            seen.job = hit[1]
            seen.names.setdefault(seen.job, seen.rule)
            seen.starts.setdefault(seen.job, time.monotonic())
        elif hit := re.match(r"wildcards: (.*)", text):
            values = [pair.split("=", 1)[1] for pair in hit[1].split(", ")]
            seen.names[seen.job] = " ".join([seen.rule, *values])
        elif hit := re.match(r"Finished jobid: (\d+)", text):
            seen.finished = hit[1]
        elif hit := re.match(r"(\d+) of (\d+) steps", text):
            seconds = time.monotonic() - seen.starts.get(seen.finished, time.monotonic())
            yield (
                f"[{hit[1]:>3}/{hit[2]}] {seen.names.get(seen.finished, seen.finished)}, "
                f"{seconds:.1f} s"
            )
        elif hit := re.match(r"Job (\d+) has been submitted with SLURM jobid (\d+)", text):
            yield f"{'':9} {seen.names.get(hit[1], hit[1])}: SLURM job {hit[2]}"
        elif hit := re.match(r"Trying to restart job (\d+)", text):
            yield f"{'':9} {seen.names.get(hit[1], hit[1])} is tried again"
        elif hit := re.match(r"Logfile (.+?):( empty file)?$", text):
            yield from _failure(seen, hit[1], [] if hit[2] else _fenced(texts))
        elif re.search(TOLD, text):
            yield text.removeprefix("message: ")


def _failure(seen: Seen, log: str, said: list[str]) -> Iterator[str]:
    """A failed job's sentence, from the first of its logs that holds one."""
    name = seen.names.get(seen.job, seen.rule)
    if said and seen.told != seen.job:
        seen.told = seen.job
        yield f"{'':9} {name} failed: {_sentence(said)}"
    elif not said:
        yield f"{'':9} {name} failed and left nothing in {log}"


def _fenced(texts: Iterator[str]) -> list[str]:
    """The lines of a log, which Snakemake shows between two equal lines of `=`."""
    fence, lines = next(texts, ""), []
    for text in texts:
        if text == fence:
            break
        lines.append(text)
    return [text for text in lines if text]


def _sentence(said: list[str]) -> str:
    """The last line of a log, or all from a traceback on, which tells of a defect."""
    traces = [place for place, text in enumerate(said) if text == TRACE]
    return "\n".join(said[traces[-1] :]) if traces else said[-1]


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
