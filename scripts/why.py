"""Say in a sentence, for every job that a run would start, why."""

import argparse

from robustgen.core.command import command
from robustgen.run.dryrun import dry_run
from robustgen.run.why import sentences


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=("All arguments are passed on to snakemake.")
    )
    _, passed = parser.parse_known_args(argv)
    print(
        "\n".join(sentences(dry_run(["--printshellcmds", *passed])))
        or ("Nothing would run: everything is up to date.")
    )


if __name__ == "__main__":
    command(main)
