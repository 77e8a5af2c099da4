"""What a command line of Snakemake asks for: overlays, targets by name, and the jobs behind
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.core.words import nearest
from robustgen.study.flow import Job, behind, jobs
from robustgen.study.plan import Plan
from robustgen.study.stages import RULES

PLACES = ("tables", "figures")
OVERLAYS = ("--configfile", "--configfiles")


def overlays(arguments: Sequence[str]) -> list[Path]:
    """The files that `--configfile` names."""
    if {"--config", "-C"} & set(arguments):
        raise Refused(
            "Settings on the command line (--config) are not read here; write them into an "
            "overlay, config/mine.yaml."
        )
    paths: list[Path] = []
    taking = False
    for word in arguments:
        name, _, value = word.partition("=")
        if word.startswith("-"):
            taking = name in OVERLAYS and not value
            paths += [Path(value)] if name in OVERLAYS and value else []
        elif taking:
            paths.append(Path(word))
    return paths


def targets(arguments: Sequence[str]) -> list[str]:
    """The words before the first option."""
    first = next(
        (place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments)
    )
    return list(arguments[:first])


def path_of(target: str, plan: Plan) -> str:
    """The file that a target stands for: a table or a figure by its name, a rule or a path as it
    is.
    """
    folder, name = Path(target).parent.as_posix(), Path(target).stem
    shown = folder in {f"{plan.root}/{place}" for place in PLACES}
    if not shown and ("/" in target or target in RULES):
        return target
    if name in plan.study.outputs:
        return target if shown else plan.made(name)
    if name in plan.study.tables or name in plan.study.figures:
        raise Refused(
            f"{name} is defined, but study {plan.study.study} does not list it in `outputs`; "
            "add it there."
        )
    raise Refused(
        f"There is no table or figure {name!r} in study "
        f"{plan.study.study}{nearest(name, plan.study.outputs)}"
    )


def needed(paths: Sequence[str], plan: Plan) -> list[Job]:
    """The jobs behind these targets; all of the study where none is named."""
    all_jobs = jobs(plan)
    if not set(paths) - {"data"}:
        return [job for job in all_jobs if not paths or job.rule == "fetch"]
    return all_jobs if set(paths) & set(RULES) else behind(all_jobs, paths)
