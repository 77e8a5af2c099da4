"""Running a study, whole or its named targets: what earlier runs left is cleared first, and what
was asked for must be current at the end.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.run import asked, slurm, unchanged
from robustgen.run.launch import healing, side_by_side
from robustgen.run.runs import log_of_this_run, registered
from robustgen.run.tidy import remove_images
from robustgen.run.warm import warm
from robustgen.stats import rules
from robustgen.study import current
from robustgen.study.config import load
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS

DRY = {"-n", "--dry-run", "--dryrun"}


def run_study(arguments: Sequence[str]) -> int:
    """Run Snakemake for targets, named first, with further arguments of its own; gives its status.

    A run that fails, or leaves what was asked for not current, is refused. Where an equal command
    ended well and no file has changed since, there is nothing to plan.
    """
    note = unchanged.note_of(arguments)
    if note and unchanged.holds(note):
        print("Nothing to be done: no file has changed since this command ended well.", flush=True)
        return 0
    sources = unchanged.sources(arguments)  # as they are before anything is read of them
    plan = Plan(load("config/config.yaml", *asked.overlays(arguments)))
    rules.read(CLAIMS)
    named = asked.targets(arguments)
    paths = [asked.path_of(target, plan) for target in named]
    arguments = [*paths, *arguments[len(named) :]]
    if DRY & set(arguments):
        return subprocess.run(_call(arguments), check=False).returncode
    sources |= unchanged.own(plan)
    _run(plan, paths, arguments)
    if note:
        unchanged.keep(note, sources | unchanged.made(asked.needed(paths, plan)))
    return 0


def _run(plan: Plan, paths: list[str], arguments: list[str]) -> None:
    """Run Snakemake; an error ends it where that failed, or left what was asked for not current."""
    here, log = Path.cwd(), log_of_this_run()
    clear = partial(slurm.clear, here) if slurm.concerns(arguments, here) else None
    with registered(clear=clear) as others:
        current.tell(asked.needed(paths, plan))
        call = [*_call(arguments), *slurm.options(here, arguments), *side_by_side(arguments)]
        with warm(but=slurm.wanted(arguments)):
            status = healing(call, log, Path(plan.root))
        if not status:
            remove_images(plan)
    if status:
        busy = f" Other runs are under way in this folder: processes {others}." if others else ""
        raise Refused(
            f"The run ended with status {status}; everything that Snakemake said is in {log}.{busy}"
        )
    for job, reason in current.outdated(asked.needed(paths, plan)).items():
        raise Refused(f"{job.rule} {job.name} is not current: {reason}; run it again.")
    log.unlink()


def _call(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "snakemake", *arguments]
