"""Say in a sentence, for every job that a run would start, why."""

import argparse
import subprocess
import sys

from robustgen.core.refusal import Refused, command
from robustgen.core.why import sentences


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="All arguments are passed on to snakemake.")
    _, passed = parser.parse_known_args(argv)
    call = [sys.executable, "-m", "snakemake", "--dry-run", *passed]
    found = subprocess.run(call, capture_output=True, text=True, check=False)
    if found.returncode:
        raise Refused((found.stderr or found.stdout).strip())
    print("\n".join(sentences(found.stdout)) or "Nothing would run: everything is up to date.")


if __name__ == "__main__":
    command(main)
