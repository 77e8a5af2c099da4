"""Run a study: Snakemake with the given arguments, a line per job, its whole output in a log."""

import os
import sys
from functools import partial
from pathlib import Path

from robustgen.core import slurm
from robustgen.core.launch import healing, registered, side_by_side
from robustgen.core.refusal import command

LOG = Path(".snakemake/robustgen.log")


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nusage: run_study.py <arguments of snakemake>")
        return
    call, log = [sys.executable, "-m", "snakemake", *arguments], LOG.with_name(f"robustgen-{os.getpid()}.log")
    here, dry = Path.cwd(), {"-n", "--dry-run", "--dryrun"} & set(arguments)
    clear = partial(slurm.clear, here) if slurm.concerns(arguments, here) and not dry else None
    with registered(call, clear=clear) as others:
        status = healing([*call, *slurm.options(here, arguments), *side_by_side(arguments)], log)
    if status:
        busy = f" Other runs are under way in this folder: processes {others}." if others else ""
        sys.exit(f"The run ended with status {status}; everything that Snakemake said is in {log}.{busy}")
    log.unlink()


if __name__ == "__main__":
    command(main)
