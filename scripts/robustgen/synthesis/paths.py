"""What an attack makes of images on its way: the path of one cell of its sweep, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.cells import Sweep
from robustgen.attacks.takes import STEPS
from robustgen.attacks.types import Spec
from robustgen.core import kinds
from robustgen.core.contracts import blamed
from robustgen.core.refusal import Refused
from robustgen.data.store import Images
from robustgen.measures.types import Context
from robustgen.nets.classifier import Classifier

SPLIT = "test"


@dataclass(frozen=True)
class Walk:
    """One cell of an attack that is followed."""

    attack: str
    kind: str
    axes: dict[str, Any]  # of the cell, but for steps
    spec: Spec


def walk(name: str, entry: dict[str, Any]) -> Walk:
    """The one cell of an attack entry that is followed: the most steps, of each other axis the
    first value that is not 0, and one start.
    """
    sweep = Sweep.of(entry)
    if not hasattr(_module(sweep.kind), "snapshots"):
        raise Refused(
            f"Attack {name} is of kind {sweep.kind!r}, whose path is not known step by step; name "
            "one of a kind that has `snapshots`, such as pgd."
        )
    cell = {
        axis: max(values) if axis == STEPS else next(filter(None, values), values[0])
        for axis, values in sweep.sweep.items()
    }
    spec = sweep.spec({axis: cell[axis] for axis in sweep.axes()})
    axes = {axis: cell[axis] for axis in sweep.axes() if axis != STEPS}
    return Walk(name, sweep.kind, axes, replace(spec, options=spec.options | {"restarts": 1}))


def walked(
    classifier: Classifier, part: Images, of: Walk, *, at: Sequence[int], context: Context
) -> dict[int, Tensor]:
    """The images [n,c,h,w] after each number of steps in `at`, from the random numbers of the
    attack's own job.
    """
    found = list(_batches(classifier, part, of, at, context))
    return {step: torch.cat([one[step] for one in found]) for step in at}


def _batches(
    classifier: Classifier, part: Images, of: Walk, at: Sequence[int], context: Context
) -> Iterator[dict[int, Tensor]]:
    x, y = part.tensors()
    module = _module(of.kind)
    for start in range(0, len(part), context.batch):
        span = slice(start, start + context.batch)
        seed = context.seed(split=SPLIT, start=start, use="attack")
        classifier.reseed(torch.Generator().manual_seed(seed + 1))  # as attacks.sweep does
        found = module.snapshots(
            classifier,
            x[span].to(context.device),
            y[span].to(context.device),
            spec=of.spec,
            generator=torch.Generator().manual_seed(seed),
            at=tuple(at),
        )
        yield {step: attacked.images.cpu() for step, attacked in found.items()}


def _module(kind: str) -> Any:
    with blamed("Attack", kind):
        return kinds.load("attacks", kind)
