"""Run a study: Snakemake with the given arguments, a line per job, its whole output in a log.

Targets come first: names of tables and figures, rules, or files; then arguments of snakemake.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.refusal import Refused
from robustgen.run import asked, slurm
from robustgen.run.launch import healing, side_by_side
from robustgen.run.runs import log_of_this_run, registered
from robustgen.run.tidy import remove_images
from robustgen.run.warm import warm
from robustgen.stats import rules
from robustgen.study import current
from robustgen.study.config import load
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nusage: run_study.py <targets> <arguments of snakemake>")
        return
    plan = Plan(load("config/config.yaml", *asked.overlays(arguments)))
    rules.read(CLAIMS)
    named = asked.targets(arguments)
    paths = [asked.path_of(target, plan) for target in named]
    arguments = [*paths, *arguments[len(named) :]]
    call = [sys.executable, "-m", "snakemake", *arguments]
    if {"-n", "--dry-run", "--dryrun"} & set(arguments):
        sys.exit(subprocess.run(call, check=False).returncode)
    run(plan, paths, arguments, call)


def run(plan: Plan, paths: list[str], arguments: list[str], call: list[str]) -> None:
    """Run Snakemake; an error ends it where that failed, or left what was asked for not current."""
    here, log = Path.cwd(), log_of_this_run()
    clear = partial(slurm.clear, here) if slurm.concerns(arguments, here) else None
    with registered(clear=clear) as others:
        current.tell(asked.needed(paths, plan))
        call = [*call, *slurm.options(here, arguments), *side_by_side(arguments)]
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


if __name__ == "__main__":
    command(main)
