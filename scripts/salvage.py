"""After failures: make the tables, figures and verdicts that can be made from what exists, then the
report.

What it makes has no seal, so the next run makes it again, from all that it needs.
"""

import argparse
import sys
from pathlib import Path

import draw_figure
import judge_claims
import make_table
import write_report
from robustgen.core import seals
from robustgen.core.command import command
from robustgen.core.files import read_json
from robustgen.report.remake import arguments
from robustgen.study.config import checked
from robustgen.study.flow import Job, jobs
from robustgen.study.plan import plan_of
from robustgen.study.stages import CLAIMS, PAPER

MAKERS = {"make_table": make_table, "draw_figure": draw_figure, "judge_claims": judge_claims}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.json of the study")
    args = parser.parse_args(argv)
    plan = plan_of(checked(read_json(args.config)), args.config.parent)
    *found, report_job = jobs(plan)
    for job in found:
        if (
            job.rule in MAKERS
            and seals.fault(job.seal, job.lasting)
            and set(job.inputs) - set(job.lacking) - {PAPER, CLAIMS}
        ):
            attempt(job, arguments(plan, job))
    report = args.config.with_name("report.html")
    Path(report_job.seal).unlink(missing_ok=True)
    write_report.main(["--config", str(args.config), "--out", str(report)])
    missing = sum(len(job.absent) for job in found)
    print(
        f"The report is {report}; {missing} file{'' if missing == 1 else 's'} of the study missing."
    )


def attempt(job: Job, argv: list[str]) -> None:
    """Make an output; a failure is told, on stderr and in the log, and costs no other output."""
    # first, so that a kill leaves nothing that passes for whole
    Path(job.seal).unlink(missing_ok=True)
    try:
        MAKERS[job.rule].main(argv)
    except Exception as error:
        Path(job.log).parent.mkdir(parents=True, exist_ok=True)
        told = f"{job.rule} {job.name}".strip() + f": {type(error).__name__}: {error}"
        with Path(job.log).open("a", encoding="utf-8") as log:
            for stream in (sys.stderr, log):
                print(told, file=stream)


if __name__ == "__main__":
    command(main)
