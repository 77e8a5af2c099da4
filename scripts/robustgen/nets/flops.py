"""What one image costs a model.

config/operations.csv holds the costs of the networks of the project's own studies, so that a plan
of one of them imports no network. `make schema` counts them again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import StringIO

from robustgen.core import kinds
from robustgen.core.digest import ROOT
from robustgen.nets.spec import Spec

TABLE = ROOT.parent / "config/operations.csv"
FORM = ("kind", "channels", "classes", "size", "options")

Form = tuple[str, ...]  # what a cost depends on, a text for each of FORM


@dataclass(frozen=True)
class Cost:
    """Floating point operations of a forward pass of one image through the kind's own network, 0
    where the kind has none; and how often the model passes an image through its parts, forwards, in
    one pass of its own.
    """

    operations: int
    passes: float


def cost(spec: Spec) -> Cost:
    """The cost of a model, from the table where it stands there."""
    form = _form(spec)
    known = _known()
    if form not in known:
        known[form] = counted(spec)
    return known[form]


def counted(spec: Spec) -> Cost:
    """The cost of a model, counted without computing anything. A network that takes no images makes
    its pass in its method `once`; passes through parts are what the kind's function
    `passes(options, classes)` says, else one.
    """
    module = kinds.load("models", spec.kind)
    passes = getattr(module, "passes", None)
    operations = _operations(spec) if hasattr(module, "build") else 0
    return Cost(operations, float(passes(spec.options, spec.classes)) if passes else 1.0)


def table(specs: Iterable[Spec]) -> str:
    """The text of the table for these models, but for those of the user's own kinds."""
    by_form = {_form(spec): spec for spec in specs if "." not in spec.kind}
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*FORM, "operations", "passes"])
    for form, spec in sorted(by_form.items()):
        one = counted(spec)
        lines.writerow([*form, one.operations, f"{one.passes:g}"])
    return text.getvalue()


@cache
def _known() -> dict[Form, Cost]:
    """The costs that stand in the table, and those counted since: a study has many models of one
    form.
    """
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            tuple(row[name] for name in FORM): Cost(int(row["operations"]), float(row["passes"]))
            for row in csv.DictReader(file)
        }


def _form(spec: Spec) -> Form:
    values = (spec.kind, spec.channels, spec.classes, spec.size)
    return (*map(str, values), json.dumps(spec.options, sort_keys=True))


def _operations(spec: Spec) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from robustgen.nets.weights import untrained

    with torch.device("meta"):
        model = untrained(spec).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            once = getattr(model[1], "once", None)
            once() if once else model(torch.zeros(1, spec.channels, spec.size, spec.size))
    return int(counter.get_total_flops())
