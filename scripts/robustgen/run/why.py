"""Why jobs are pending, in sentences, from Snakemake's dry run and the record of which code made
what.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from robustgen.core import seals
from robustgen.core.digest import ROOT, hash_of
from robustgen.core.files import write_json
from robustgen.run.dryrun import Job, pending
from robustgen.run.params import apart, changes, exclusive, flags_of
from robustgen.study.flow import PASSING

# digest -> file -> hash, of every code that a run was started with
RECORD = Path(".snakemake/robustgen-code.json")
PARAMS = "Params have changed since last execution: "
DIGEST = re.compile(r"[0-9a-f]{16}( |$)")
MOST = 5  # settings that are named for a job
SAID = {  # what Snakemake says -> what is told; of files only the first is named
    "Missing output files": "{} does not exist",
    "Incomplete output files": "{} was left half made",
    "Input files updated by another job": "{} will be made again",
    "Updated input files": "{} is newer",
    "Set of input files has changed since last execution": (
        "it is made from other files than before"
    ),
    "Code has changed since last execution": "the command of its rule changed",
    "Software environment definition has changed since last execution": (
        "its software environment changed"
    ),
}


def remember(codes: dict[str, dict[str, str]]) -> None:
    """Add what today's digests are made of to the record."""
    write_json(RECORD, _record() | codes)


def sentences(dry_run: str) -> list[str]:
    """A sentence per job of a dry run's output; with its shell commands, plain settings are named
    too.
    """
    return [f"{_name(job)}: {_because(job)}" for job in pending(dry_run)]


def _name(job: Job) -> str:
    return f"{job.rule} {', '.join(job.wildcards.values())}".strip()


def _because(job: Job) -> str:
    """The reasons of a job; what stands after PARAMS may hold any text, for settings do."""
    reasons, _, params = job.reason.partition(PARAMS)
    params, environment, _ = params.partition("; Software environment")
    if reasons == "Forced execution":
        return f"{_forced(job)}."
    parts = [_sentence(part) for part in reasons.split("; ") if part]
    parts += [_changed(params, job)] if params else []
    return "; ".join([*parts, *(["its software environment changed"] if environment else [])]) + "."


def _forced(job: Job) -> str:
    """Why the workflow has a job run that Snakemake itself would not: see
    robustgen.study.current.
    """
    seal = next((path for path in job.files if f"/{seals.FOLDER}/" in path), "")
    files = tuple(path for path in job.files if path != seal and Path(path).name not in PASSING)
    fault = seals.fault(seal, files) if seal else ""
    return fault or "the record of how its files were made is lost, or the command line asks for it"


def _sentence(reason: str) -> str:
    kind, _, files = reason.partition(": ")
    return SAID.get(kind, reason).format(_short(files)) if kind in SAID else reason


def _short(paths: str) -> str:
    names = paths.split(", ")
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _changed(params: str, job: Job) -> str:
    """Which files of code and which settings differ."""
    before, now = exclusive(params)
    flags = {
        name: value for name, value in flags_of(job.command).items() if name not in job.wildcards
    }
    code_before, code_now = (
        [value for value in values if _is_code(value)] for values in (before, now)
    )
    before, now = ([value for value in values if not _is_code(value)] for values in (before, now))
    said = _code(code_before, code_now) + sorted(set(changes(before, now, flags)))
    more = [f"and {len(said) - MOST} more"] if len(said) > MOST else []
    return "; ".join(said[:MOST] + more) or "its settings changed"


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and bool(DIGEST.match(value))


def _code(before: list[str], now: list[str]) -> list[str]:
    """Which files of the code changed, where the last run was recorded; a digest may be followed by
    pinned packages.
    """
    record = _record()
    said = []
    for old in before:
        digest, _, packages = old.partition(" ")
        files = [
            name for name, value in record.get(digest, {}).items() if hash_of(ROOT / name) != value
        ]
        if files:
            said.append(f"the code changed in {', '.join(sorted(files))}")
        elif not any(new.startswith(digest) for new in now):
            said.append(
                "it uses other modules than before" if digest in record else "its code changed"
            )
        else:
            new = next(new for new in now if new.startswith(digest))
            said.append(
                "its pinned packages changed from {} to {}".format(
                    *apart(packages, new.partition(" ")[2])
                )
            )
    return list(dict.fromkeys(said))


def _record() -> dict[str, dict[str, str]]:
    try:
        record: dict[str, dict[str, str]] = json.loads(RECORD.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record
