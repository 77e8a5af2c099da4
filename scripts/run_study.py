"""Run a study: Snakemake with the given arguments, a line per job, its whole output in a log.

Targets come first: names of tables and figures, rules, or files; then arguments of snakemake.
"""

import sys

from robustgen.core.command import command
from robustgen.run.whole import run_study


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nusage: run_study.py <targets> <arguments of snakemake>")
        return
    sys.exit(run_study(arguments))


if __name__ == "__main__":
    command(main)
