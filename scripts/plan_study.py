"""Say what a run would do: jobs, hours by what earlier jobs cost, disk, what is still to be
downloaded, and for each claim whether the planned images can decide it.
"""

import argparse
from pathlib import Path

from robustgen.core.command import command
from robustgen.run import planned
from robustgen.run.dryrun import dry_run, pending, unmade
from robustgen.stats import rules
from robustgen.study.config import load
from robustgen.study.estimate import past
from robustgen.study.outlook import outlook
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=("All other arguments are passed on to snakemake.")
    )
    parser.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help=("overlays, as for snakemake")
    )
    parser.add_argument("--workflow-profile", help="as for snakemake")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        help=("folder of studies that were measured"),
    )
    args, passed = parser.parse_known_args(argv)
    overlays = ["--configfile", *map(str, args.configfile)] if args.configfile else []
    plan = Plan(load("config/config.yaml", *args.configfile), str(args.results))
    folders = sorted(
        path.parent
        for path in [
            *args.results.glob("*/config.json"),
            *args.results.glob("published/*/config.json"),
        ]
    )
    profile = ["--workflow-profile", args.workflow_profile] if args.workflow_profile else []
    found = None if passed else unmade(plan)
    if found is None:
        found = pending(dry_run([*passed, *profile, *overlays]))
    print(outlook(found, plan, past(folders)))
    claims = planned.planned(rules.read(CLAIMS), plan, planned.judged_earlier(folders))
    print("", *planned.lines(claims, len(plan.study.seeds)), sep="\n")


if __name__ == "__main__":
    command(main)
