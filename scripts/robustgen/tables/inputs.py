"""The inputs of a table or figure when some of them could not be made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robustgen.core.refusal import Refused

SEED = re.compile(r"seed(\d+)")  # a folder of one repetition


def sorted_files(files: dict[str, list[str]]) -> tuple[dict[str, list[str]], list[str]]:
    """The files that exist, by sort, and the places in the study of those that do not."""
    there = {sort: [path for path in paths if Path(path).exists()] for sort, paths in files.items()}
    absent = [path for paths in files.values() for path in paths if not Path(path).exists()]
    if files and not any(there.values()):
        raise Refused(
            "None of the files that this is made from exists; see the logs of the jobs that "
            "should have made them."
        )
    return there, list(dict.fromkeys(place(path) for path in absent))


@contextmanager
def of_what_exists(absent: list[str]) -> Iterator[None]:
    """Make an output of some of its files: where that fails, what is absent is the reason, and no
    defect.
    """
    try:
        yield
    except Exception as error:
        if not absent or isinstance(error, Refused):
            raise
        raise Refused(
            f"It cannot be made of what exists ({type(error).__name__}: {error})." + missing(absent)
        ) from error


def missing(places: list[str]) -> str:
    """A note's sentence on cells that are absent."""
    return f" Missing, see their logs: {'; '.join(places)}." if places else ""


def seeds_said(files: dict[str, list[str]]) -> str:
    """A note's sentence on the seeds that a table is over; none where there is one."""
    parts = (part for paths in files.values() for path in paths for part in Path(path).parts)
    seeds = sorted({int(hit[1]) for part in parts if (hit := SEED.fullmatch(part))})
    if len(seeds) < 2:
        return ""
    return (
        f" Over {len(seeds)} seeds ({', '.join(map(str, seeds))}), which share their images: n "
        "counts those of one."
    )


def place(path: str | Path) -> str:
    """A file's place in its study, for a reader: `measures/signs_standard/seed0/pgd`."""
    return "/".join(Path(path).parts[2:-1])
