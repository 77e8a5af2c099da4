"""Run a study: Snakemake with the given arguments, a line per job, its whole output in a log."""

import os
import sys
from pathlib import Path

from robustgen.core.launch import registered, run
from robustgen.core.refusal import command

LOG = Path(".snakemake/robustgen.log")


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nusage: run_study.py <arguments of snakemake>")
        return
    call = [sys.executable, "-m", "snakemake", *arguments]
    log = LOG.with_name(f"robustgen-{os.getpid()}.log")
    with registered(call) as others:
        status = run(call, log)
    if status:
        busy = f" Other runs are under way in this folder: processes {others}." if others else ""
        sys.exit(f"The run ended with status {status}; everything that Snakemake said is in {log}.{busy}")
    log.unlink()


if __name__ == "__main__":
    command(main)
