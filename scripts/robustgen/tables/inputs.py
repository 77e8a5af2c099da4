"""The inputs of a table or figure when some of them could not be made."""

from __future__ import annotations

from pathlib import Path

from robustgen.core.refusal import Refused


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


def missing(places: list[str]) -> str:
    """A note's sentence on cells that are absent."""
    return f" Missing, see their logs: {'; '.join(places)}." if places else ""


def place(path: str | Path) -> str:
    """A file's place in its study, for a reader: `measures/signs_standard/seed0/pgd`."""
    return "/".join(Path(path).parts[2:-1])
