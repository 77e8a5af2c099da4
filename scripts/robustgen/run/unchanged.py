"""Whether a command that ended well would find everything as it left it, told by the sizes and
times of all files that decide: then no job is planned.

A note per command holds the size and times of the project's files, of the user's own files, and of
what the jobs wrote, with Snakemake's records of them. One difference, or a file more or less, and
the study is planned as ever.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from robustgen.core.digest import closure, file_of
from robustgen.core.files import BadFile, read_json, write_json
from robustgen.data.own import option_files, own_files
from robustgen.run.asked import OVERLAYS, overlays, targets
from robustgen.stats.named import module
from robustgen.stats.rules import read
from robustgen.study.current import record_of
from robustgen.study.flow import Job
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS

NOTES = Path(".snakemake/robustgen-unchanged")
PROJECT = ("Snakefile", "workflow", "scripts", "config", "envs")
PROFILES = ("--profile", "--workflow-profile")
PREFIX = "ROBUSTGEN_"
Found = dict[str, list[int]]  # path -> size, time of its content, time of its entry


def note_of(arguments: Sequence[str]) -> Path | None:
    """The note of a command in this environment; None where Snakemake is told more than what to
    make and by which settings, such as to make it again.
    """
    told = arguments[len(targets(arguments)) :]
    if {word for word in told if word.startswith("-")} - {*OVERLAYS, *PROFILES}:
        return None
    ours = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    key = json.dumps([list(arguments), sorted(ours.items())]).encode()
    return NOTES / f"{hashlib.sha256(key).hexdigest()[:16]}.json"


def holds(note: Path) -> bool:
    """Whether all files of a note are as it says, and the project has no others."""
    try:
        noted: Found = read_json(note)
    except BadFile:
        return False
    return noted.keys() >= set(_project()) and noted == seen(noted)


def seen(paths: Iterable[str | Path]) -> Found:
    """Size and times of these files and folders; -1 of one that does not exist."""
    return {str(path): _facts(str(path)) for path in paths}


def sources(arguments: Sequence[str]) -> Found:
    """The files of the project and the overlays, as they are now."""
    return seen([*_project(), *overlays(arguments)])


def own(plan: Plan) -> Found:
    """The user's own files, as they are now: modules, data, weights and files of options, with the
    folders that they lie in, for a new file changes its folder.
    """
    study, root = plan.study, plan.study.data.root
    named = [*plan.own_modules(), *(module(claim.statistic) for claim in read(CLAIMS))]
    files = {path for name in named if "." in name for path in closure(str(file_of(name)), name)}
    for name, data in study.datasets.items():
        files.update(own_files(data.kind, data.options, root), map(Path, plan.lists(name)))
    files.update(Path(path) for model in study.models if (path := plan.own_weights(model)))
    for name, measure in study.measures.items():
        files.update(option_files("measures", measure.kind, plan.measure_options(name)))
    folders = {path.parent for path in files} - {Path(), Path.cwd()}
    return seen(sorted(files | folders))


def made(jobs: Iterable[Job]) -> Found:
    """What the jobs wrote, read and recorded, as it is now."""
    paths = dict.fromkeys(path for job in jobs for path in (*job.lasting, job.seal, *job.inputs))
    records = (record_of(path) for job in jobs for path in job.lasting)
    return seen([*paths, *records])


def keep(note: Path, found: Found) -> None:
    """Write a note."""
    write_json(note, found)


def _project() -> Iterator[str]:
    """The project's files, apart from what Python compiles."""
    for name in PROJECT:
        if not os.path.isdir(name):
            yield name
        for folder, folders, files in os.walk(name):
            folders[:] = [one for one in folders if one != "__pycache__"]
            yield from (f"{folder}/{file}" for file in files)


def _facts(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return [-1]
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
