"""Progress of long work: a bar on a terminal, sparse plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
PLAIN_SECONDS = 30.0


def progress(items: Iterable[T], *, total: int, what: str, last: bool = True) -> Iterator[T]:
    """Pass `items` on and say how far they are, at which rate, how long the rest will take, and at
    `last` that all are done.
    """
    start = said = time.monotonic()
    live = sys.stderr.isatty()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - said >= (0.2 if live else PLAIN_SECONDS):
            said = now
            _say(_line(what, done, total, now - start), live)
        yield item
    if last:
        _say(_line(what, total, total, time.monotonic() - start), live, end=True)


def _line(what: str, done: int, total: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    left = (total - done) / max(rate, 1e-9)
    return f"{what}: {done}/{total} in {seconds:.0f} s, {rate:.2f}/s, {left:.0f} s left"


def _say(line: str, live: bool, end: bool = False) -> None:
    print(
        f"\r\x1b[K{line}" if live else line,
        end="\n" if end or not live else "",
        file=sys.stderr,
        flush=True,
    )
