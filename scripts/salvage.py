"""After failures: make the tables, figures and verdicts that can be made from what exists, then the
report.

What it makes has no seal, so the next run makes it again, from all that it needs.
"""

import argparse
from pathlib import Path

import draw_figure
import judge_claims
import make_table
import write_report
from robustgen.core.command import command
from robustgen.core.files import read_json
from robustgen.report.remake import salvage
from robustgen.study.config import checked
from robustgen.study.plan import plan_of

MAKERS = {
    "make_table": make_table.main,
    "draw_figure": draw_figure.main,
    "judge_claims": judge_claims.main,
    "write_report": write_report.main,
}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.json of the study")
    args = parser.parse_args(argv)
    plan = plan_of(checked(read_json(args.config)), args.config.parent)
    print(salvage(plan, MAKERS))


if __name__ == "__main__":
    command(main)
