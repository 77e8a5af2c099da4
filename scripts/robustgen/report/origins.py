"""Where a table or figure comes from: the command that makes it alone, and the files that it is
made from with their digests.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from robustgen.core.digest import ROOT
from robustgen.core.shards import file_hash
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
    noted, written = digests(plan, jobs), {path for job in jobs for path in job.files}
    found = {}
    for job in jobs:
        if job.rule in SHOWN:
            # a file that no job makes has no seal
            hashed = {path: _hashed(path) for path in job.inputs if path not in written}
            inputs = [
                (path.removeprefix(f"{plan.root}/"), (noted | hashed).get(path, UNKNOWN))
                for path in job.inputs
            ]
            found[job.name] = Origin(command(plan, job.name), inputs)
    return found


def command(plan: Plan, name: str) -> str:
    """The command that makes an output with all that it needs and no more."""
    study = plan.study.study
    named = study == "paper" or (ROOT.parent / f"config/{study}.yaml").exists()
    if named and name.startswith(SHORT):
        return f"make {name} STUDY={study}"
    return f"snakemake {name} --configfile {shlex.quote(f'{plan.root}/config.json')}"


def digests(plan: Plan, jobs: list[Job]) -> dict[str, str]:
    """File -> the beginning of its SHA-256, as the seals of the jobs note it."""
    noted: dict[str, str] = {}
    for job in jobs:
        files = facts(Path(job.seal)).get("files")
        for place, told in files.items() if isinstance(files, dict) else ():
            digest = told.get("sha256") if isinstance(told, dict) else None
            if isinstance(digest, str):
                noted[f"{plan.root}/{place}"] = digest[:DIGITS]
    return noted


def _hashed(path: str) -> str:
    """The digest of a file that no job makes."""
    return file_hash(Path(path))[:DIGITS] if Path(path).is_file() else UNKNOWN
