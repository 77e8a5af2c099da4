"""What methods cost per image: seconds and passes of networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from robustgen.bench.rows import Disagreement, Row
from robustgen.core.meter import processor
from robustgen.core.progress import progress
from robustgen.nets.classifier import Classifier

TURNS = 2


@dataclass(frozen=True)
class Method:
    """What is done with images, the classifier whose passes count, and how many an image should
    take, a backward one counted as two; 0 where that depends on the image.
    """

    model: Classifier
    run: Callable[[Tensor], object]
    passes: float = 0.0


def measured(
    methods: Mapping[str, Method], x: Tensor, *, plain: str, machine: dict[str, Any]
) -> list[Row]:
    """One row per method on images x: images per second beside those of the method `plain`, and in
    `agreement` what an image costs.
    """
    machine = {"processor": processor(), "torch": torch.__version__, **machine}
    each = progress(methods.items(), total=len(methods), what="bench")
    found = {name: _costs(method, x) for name, method in each}
    return [_row(name, cost, found[plain], len(x), machine) for name, cost in found.items()]


def table(rows: list[Row], how: str) -> list[str]:
    """The costs as lines of a table; refused where passes are not as many as they should be."""
    lines = [
        f"What an image costs ({rows[0]['n']} at a time, {TURNS} turns; {how}):",
        f"{'method':44}  {'seconds (range)':>24}  {'forward':>8}  {'backward':>8}",
    ]
    for row in rows:
        cost = row["agreement"]
        if cost["expected"] and cost["forwards"] + 2 * cost["backwards"] != cost["expected"]:
            raise Disagreement(
                f"{row['name']} took {cost['forwards']:g} forward and {cost['backwards']:g} "
                f"backward passes per image, and should take {cost['expected']:g} in all, a "
                "backward one counted as two; one of the two counts is wrong."
            )
        seconds = f"{cost['seconds']:.4f} ({cost['least']:.4f} to {cost['most']:.4f})"
        passes = f"{cost['forwards']:8g}  {cost['backwards']:8g}"
        lines.append(f"{row['name']:44}  {seconds:>24}  {passes}")
    return lines


def _costs(method: Method, x: Tensor) -> dict[str, float]:
    """Seconds (median, least and most of the turns) and passes per image of a method."""
    taken = []
    method.run(x[:1])  # a first call also chooses kernels
    for _ in range(TURNS):
        method.model.reseed(torch.Generator().manual_seed(0))
        before, start = method.model.passes.copy(), time.perf_counter()
        method.run(x)
        if x.is_cuda:
            torch.cuda.synchronize()
        taken.append((time.perf_counter() - start) / len(x))
        spent = method.model.passes - before
    each = {"forwards": spent.forwards / len(x), "backwards": spent.backwards / len(x)}
    seconds = {"seconds": median(taken), "least": min(taken), "most": max(taken)}
    return {**seconds, **each, "expected": method.passes}


def _row(
    name: str, cost: dict[str, float], plain: dict[str, float], n: int, machine: dict[str, Any]
) -> Row:
    ours, peer = 1 / cost["seconds"], 1 / plain["seconds"]
    return Row(
        name=name, ours=ours, peer=peer, ratio=ours / peer, n=n, agreement=cost, machine=machine
    )
