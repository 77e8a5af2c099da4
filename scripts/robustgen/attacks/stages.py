"""Members of AutoAttack as stages: what one has found is kept, so that a job that is killed goes on
with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustgen.attacks.library import drawn
from robustgen.core.shards import Arrays, Keep
from robustgen.nets.classifier import Classifier, Passes

MEMBERS = ("apgd", "apgd_targeted", "fab", "square")  # as the package names its objects


def directly(_name: str, compute: Callable[[], Arrays]) -> Arrays:
    """What is computed, kept nowhere."""
    return compute()


def resume(runner: Any, model: Classifier, keep: Keep, start: str) -> None:
    """Let each member of the package's runner give back what `keep` has of it; names of stages
    begin with `start`.

    A randomised classifier draws anew before and after each member, from seeds that do not depend
    on the members before, so that a job that goes on ends with the same bytes.
    """
    seed = drawn() if model.stochastic else 0
    for place, name in enumerate(MEMBERS):
        member = getattr(runner, name)
        member.perturb = _Stage(member.perturb, model, keep, f"{start}-{name}", seed + 1000 * place)


class _Stage:
    """One member's search, call by call."""

    def __init__(
        self,
        perturb: Callable[[Tensor, Tensor], Tensor],
        model: Classifier,
        keep: Keep,
        name: str,
        seed: int,
    ) -> None:
        self.perturb, self.model, self.keep = perturb, model, keep
        self.name, self.seed, self.calls = name, seed, count()

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        call = next(self.calls)
        before = self.model.passes.copy()
        found = self.keep(f"{self.name}-{call}", lambda: self._found(x, y, call))
        forwards, backwards = found["passes"].tolist()
        self._count(before + Passes(forwards, backwards))
        self._reseed(2 * call + 1)
        return torch.from_numpy(found["images"]).to(x)

    def _found(self, x: Tensor, y: Tensor, call: int) -> Arrays:
        self._reseed(2 * call)
        before = self.model.passes.copy()
        images = self.perturb(x, y).detach().cpu().numpy()
        spent = self.model.passes - before
        return {"images": images, "passes": np.array([spent.forwards, spent.backwards], float)}

    def _count(self, passes: Passes) -> None:
        self.model.passes.forwards = passes.forwards
        self.model.passes.backwards = passes.backwards

    def _reseed(self, place: int) -> None:
        if self.model.stochastic:
            self.model.reseed(torch.Generator().manual_seed(self.seed + place))
