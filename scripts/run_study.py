"""Run a study: Snakemake with the given arguments, a line per job, its whole output in a log."""

import sys
from pathlib import Path

from robustgen.core.launch import run, sole_run
from robustgen.core.refusal import command

LOG = Path(".snakemake/run.log")


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nusage: run_study.py <arguments of snakemake>")
        return
    call = [sys.executable, "-m", "snakemake", *arguments]
    with sole_run(call):
        status = run(call, LOG)
    if status:
        sys.exit(f"The run ended with status {status}; everything that Snakemake said is in {LOG}.")


if __name__ == "__main__":
    command(main)
