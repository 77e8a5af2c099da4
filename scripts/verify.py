"""Compare every file of a study with the seal of the job that wrote it; say what is damaged,
missing or stale.
"""

import argparse
import sys
from pathlib import Path

from robustgen.core.command import command
from robustgen.run import why
from robustgen.run.dryrun import dry_run
from robustgen.study import current
from robustgen.study.config import load
from robustgen.study.flow import jobs
from robustgen.study.plan import Plan


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=("All other arguments are passed on to snakemake.")
    )
    parser.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help=("overlays, as for snakemake")
    )
    args, passed = parser.parse_known_args(argv)
    plan = Plan(load("config/config.yaml", *args.configfile))
    all_jobs = jobs(plan)
    faults = current.outdated(all_jobs, thorough=True)
    told = [f"{job.rule} {job.name}".strip() + f": {reason}" for job, reason in faults.items()]
    overlays = ["--configfile", *map(str, args.configfile)] if args.configfile else []
    pending = why.sentences(dry_run([*passed, *overlays]))
    files = sum(len(job.files) for job in all_jobs)
    if told or pending:
        print(
            "\n".join(
                [
                    "Damaged, missing or without a record:",
                    *(f"  {line}" for line in told or ["nothing"]),
                ]
            )
        )
        print("\n".join(["A run would make again:", *(f"  {line}" for line in pending)]))
        sys.exit(1)
    print(
        f"All {files} files of {len(all_jobs)} jobs of study {plan.study.study} are what their "
        "jobs wrote, and current."
    )


if __name__ == "__main__":
    command(main)
