"""Where a table or figure comes from: the command that makes it alone, and the files that it is
made from with their digests.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustgen.core.shards import file_hash
from robustgen.report.provenance import is_named
from robustgen.study.facts import facts
from robustgen.study.flow import SHOWN, Job
from robustgen.study.plan import Plan

DIGITS = 16  # of a digest, as many as tell files apart; the seals hold them whole
SHORT = ("table_", "fig_")  # beginnings of names for which the Makefile has a target
UNKNOWN = "absent, or not sealed"


@dataclass(frozen=True)
class Origin:
    """What makes an output alone, and from what."""

    command: str
    inputs: list[tuple[str, str]]  # path below the study's folder, beginning of its SHA-256


def origins(plan: Plan, jobs: list[Job]) -> dict[str, Origin]:
    """The origin of each table and figure that is an output of the study."""
    found, known = {}, digests(plan, jobs)
    for job in jobs:
        if job.rule in SHOWN:
            digest = {path: known.get(path) or _hashed(plan, path) for path in job.inputs}
            inputs = [(path.removeprefix(f"{plan.root}/"), digest[path]) for path in job.inputs]
            found[job.name] = Origin(command(plan, job.name), inputs)
    return found


def command(plan: Plan, name: str) -> str:
    """The command that makes an output with all that it needs and no more."""
    study = plan.study.study
    if is_named(study) and name.startswith(SHORT):
        return f"make {name} STUDY={study}"
    return f"snakemake {name} --configfile {shlex.quote(f'{plan.root}/config.json')}"


def digests(plan: Plan, jobs: list[Job]) -> dict[str, str]:
    """File -> the beginning of its SHA-256, as the seal of the job that makes it notes it."""
    noted: dict[str, str] = {}
    for job in jobs:
        sealed = facts(Path(job.seal)).get("files")
        files: dict[str, Any] = sealed if isinstance(sealed, dict) else {}
        for path in job.files:
            told = files.get(path.removeprefix(f"{plan.root}/"))
            digest = told.get("sha256") if isinstance(told, dict) else None
            if isinstance(digest, str):
                noted[path] = digest[:DIGITS]
    return noted


def _hashed(plan: Plan, path: str) -> str:
    """The digest of a file that no job makes, so that no seal notes it."""
    if path.startswith(f"{plan.root}/") or not Path(path).is_file():
        return UNKNOWN
    return file_hash(path)[:DIGITS]
