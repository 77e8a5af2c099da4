"""Processes of this machine, and what they say: whether one works here, and which lines are another's that it quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path


def works_here(process: int, what: str) -> bool:
    """Whether a process lives whose working folder is this one and whose command names `what`."""
    try:
        here = Path(f"/proc/{process}/cwd").samefile(".")
        return here and what in Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def quoted(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line of Snakemake, and whether it stands in a failed job's log, which is shown between two equal lines of `=`."""
    fence = before = ""
    for line in lines:
        text = line.strip()
        yield text, bool(fence)
        if fence:
            fence = "" if text == fence else fence
        elif before.startswith("Logfile ") and re.fullmatch("=+", text):
            fence = text
        before = text
