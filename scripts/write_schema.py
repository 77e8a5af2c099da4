"""Generate config/schema.json and config/reference.yaml (every key with type, default and meaning)
from the classes, and config/operations.csv (the cost of each network) from the studies.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from robustgen.core.command import command
from robustgen.core.digest import ROOT
from robustgen.core.files import write_text
from robustgen.nets import flops
from robustgen.nets.spec import Spec
from robustgen.study.config import load
from robustgen.study.estimate import recorded
from robustgen.study.plan import Plan
from robustgen.study.reference import reference
from robustgen.study.schema import Study
from robustgen.study.work import Work

PROJECT = ROOT.parent
STUDIES = ((), ("demo",), ("workstation",))  # overlays of each


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    args = parser.parse_args(argv)
    write_text(
        args.out / "schema.json",
        json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n",
    )
    write_text(args.out / "reference.yaml", reference())
    write_text(args.out / "operations.csv", flops.table(_specs()))


def _specs() -> Iterator[Spec]:
    """The models of the project's studies and of those published with it, as they are before any
    data are loaded.
    """
    files = [[PROJECT / f"config/{name}.yaml" for name in ("config", *more)] for more in STUDIES]
    with TemporaryDirectory() as empty:
        plans = [Plan(load(*paths), empty) for paths in files]
    plans += filter(None, map(recorded, sorted(PROJECT.glob("results/published/*"))))
    for plan in plans:
        yield from map(Work(plan).spec, plan.study.models)


if __name__ == "__main__":
    command(main)
