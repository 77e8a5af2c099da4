"""Processes of this machine: which work in this folder, which a run has started, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from robustgen.core.refusal import Refused

PATIENCE = 30.0  # seconds for killed processes to be gone


def works_here(process: int, what: str) -> bool:
    """Whether a process lives whose working folder is this one and whose command names `what`."""
    try:
        here = Path(f"/proc/{process}/cwd").samefile(".")
        return here and what in Path(f"/proc/{process}/cmdline").read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return False


def marked(variable: str, values: Sequence[str], *, but: str) -> list[int]:
    """The processes of this user in whose environment a variable has one of these values, and the
    variable `but` is not set.
    """
    wanted = {f"{variable}={value}".encode() for value in values}
    numbers = []
    for folder in (folder for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        with suppress(OSError):  # it has ended, or is another user's
            pairs = set((folder / "environ").read_bytes().split(b"\0"))
            if wanted & pairs and not any(pair.startswith(f"{but}=".encode()) for pair in pairs):
                numbers.append(int(folder.name))
    return numbers


def end(processes: Sequence[int]) -> None:
    """Kill processes and return once they are gone; their files are whole or absent at any
    moment.
    """
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while left := [process for process in processes if _lives(process)]:
        if time.monotonic() > deadline:
            raise Refused(
                f"The processes {left} of a killed run do not end; end them by hand, then run "
                "again."
            )
        time.sleep(0.05)


def _lives(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return (
            Path(f"/proc/{process}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rsplit(")", 1)[1]
            .split()[0]
            != "Z"
        )
    except OSError:
        return False
