"""Write every published number beside ours, the claims and a ranking of defences, from folders of
results.
"""

import argparse
from pathlib import Path

from robustgen.core.command import command
from robustgen.core.files import write_text
from robustgen.report.results import write


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs", type=Path, nargs="*", help="further folders of results, such as results/mine"
    )
    parser.add_argument("--published", type=Path, default=Path("results/published"))
    parser.add_argument("--paper", type=Path, default=Path("config/paper.csv"))
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"))
    args = parser.parse_args(argv)
    folders = sorted(path for path in args.published.iterdir() if path.is_dir())
    write_text(args.out, write([*folders, *args.runs], args.paper))
    print(f"The results: {args.out}")


if __name__ == "__main__":
    command(main)
