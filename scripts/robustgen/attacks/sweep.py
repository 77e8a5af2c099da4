"""Running a sweep: the cells of one attack entry batch by batch, with step counts sharing a
trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.cells import Cell, Sweep
from robustgen.attacks.checks import checked
from robustgen.attacks.takes import STEPS
from robustgen.attacks.types import Attacked
from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.nets.classifier import Passes, as_classifier


def run(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    sweep: Sweep,
    seed: int,
) -> Iterator[Attacked]:
    """One checked result per cell of the sweep; every cell starts from the same random numbers,
    its own and those of the classifier.
    """
    with blamed("Attack", sweep.kind):
        module = kinds.load("attacks", sweep.kind)
    classifier = as_classifier(classifier)

    def ask(function: str, cell: Cell, **more: Any) -> tuple[Any, Passes]:
        """The module's answer on copies, for it may work in place, and the passes per image."""
        with blamed("Attack", sweep.kind, at=_at(cell)):
            classifier.reseed(torch.Generator().manual_seed(seed + 1))
            generator = torch.Generator().manual_seed(seed)
            given, spec = (classifier, images.clone(), labels.clone()), sweep.spec(cell)
            before = classifier.passes.copy()
            found = getattr(module, function)(*given, spec=spec, generator=generator, **more)
            return found, classifier.passes - before

    def steady(cell: Cell) -> bool:
        """Whether a trajectory draws the same random numbers wherever else it is looked at."""
        return not classifier.stochastic or sweep.spec(cell).options.get("restarts", 1) == 1

    for group in sweep.trajectories():
        counts = [cell.get(STEPS, 1) for cell in group]
        longest = max(group, key=lambda cell: cell.get(STEPS, 1))
        shares = hasattr(module, "snapshots") and STEPS in sweep.sweep and steady(longest)
        shared = ask("snapshots", longest, at=tuple(counts))[0] if shares else {}
        for cell, count in zip(group, counts, strict=True):
            with blamed("Attack", sweep.kind, at=_at(cell)):
                found, spent = (shared[count], None) if shares else ask("attack", cell)
                spec = sweep.spec(cell)
                result = checked(found, images, spec, ball=getattr(module, "BALL", True))
                result = _costed(result, spent)
            yield result


def _costed(found: Attacked, spent: Passes | None) -> Attacked:
    """The attacked images with the passes that were measured, where they name none."""
    n = len(found.images)
    if spent is None:
        if found.forwards is None or found.backwards is None:
            raise Broken(
                "`snapshots` must say the forwards and backwards of each step count, for one "
                "trajectory serves them all."
            )
        return found
    forwards = spent.forwards / n if found.forwards is None else found.forwards
    backwards = spent.backwards / n if found.backwards is None else found.backwards
    return replace(found, forwards=forwards, backwards=backwards)


def _at(cell: Cell) -> str:
    words = (f"{axis} {_said(value)}" for axis, value in cell.items())
    return f" at {', '.join(words)}" if cell else ""


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"
