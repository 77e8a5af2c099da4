"""Seals: what a job wrote, as a JSON file per job that holds size, time and sha256 of each of its
files, and what the job took: seconds of a processor, and memory.

A seal is written last, by the job itself, so it says that the job ended well and what its files
were then. A job that fails or is killed has none, nor has an output that `salvage` made from the
files that there were.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustgen.core import files
from robustgen.core.files import BadFile, read_json, write_json
from robustgen.core.shards import file_hash
from robustgen.core.spent import spent

FOLDER = "seals"  # below a study's folder


def write(path: Path) -> None:
    """Seal the files that this process has written below the study's folder and that are still
    there.
    """
    root = _root(path)
    written = sorted(file for file in files.WRITTEN if file.is_relative_to(root) and file.is_file())
    facts = {str(file.relative_to(root)): _facts(file) for file in written if not _is_hidden(file)}
    write_json(path, {"files": facts, **spent()})


def fault(seal: str, paths: tuple[str, ...], *, thorough: bool = False) -> str:
    """What is wrong with a job's files, as a sentence without a full stop; empty where nothing is.

    A file of the size and time that its seal notes is taken for unchanged, and so is one of the
    seal's own time, for Snakemake touches a job's files and its seal together when the job has
    ended; `thorough` computes its checksum all the same.
    """
    if absent := [path for path in paths if not Path(path).exists()]:
        return f"{absent[0]} does not exist"
    try:
        noted: dict[str, Any] = read_json(seal)["files"]
        sealed = Path(seal).stat().st_mtime_ns
        changed = [
            path
            for path in paths
            if not _is_whole(Path(path), noted[_place(path, seal)], sealed, thorough)
        ]
    except (BadFile, KeyError, TypeError, AttributeError):
        return (
            f"{paths[0]} has no valid seal: its job did not end well, or it was made from the "
            "files that there were"
        )
    return f"{changed[0]} is not what its job wrote" if changed else ""


def _is_hidden(file: Path) -> bool:
    """Whether a file is one that a job keeps for itself, such as a checkpoint."""
    return file.name.startswith(".")


def _facts(path: Path) -> dict[str, Any]:
    return {
        "bytes": path.stat().st_size,
        "mtime_ns": path.stat().st_mtime_ns,
        "sha256": file_hash(path),
    }


def _is_whole(path: Path, facts: dict[str, Any], sealed: int, thorough: bool) -> bool:
    found = path.stat()
    if found.st_size != facts["bytes"]:
        return False
    same = found.st_mtime_ns in (facts["mtime_ns"], sealed)
    return (same and not thorough) or file_hash(path) == facts["sha256"]


def _place(path: str, seal: str) -> str:
    return str(Path(path).relative_to(_root(Path(seal))))


def _root(seal: Path) -> Path:
    """The study's folder, in which the folder of seals lies."""
    return next(folder.parent for folder in seal.parents if folder.name == FOLDER)
