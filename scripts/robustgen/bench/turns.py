"""Contenders in turn on the same batches: what each took and found, and ours beside a peer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings
from robustgen.core.meter import processor
from robustgen.core.progress import progress

OURS = "ours"  # the name of our contender
Runner = Callable[[Tensor], Tensor]  # a batch [n,...] -> results [n,...]


@dataclass(frozen=True)
class Turns:
    """Seconds and results of each contender, turn by turn."""

    seconds: dict[str, list[float]]
    found: dict[str, list[Tensor]]

    def row(self, peer: str, machine: dict[str, Any], *, each: int, **agreement: Any) -> Row:
        """Ours beside a peer, with `each` answers per turn, and how far their results differ."""
        ours, theirs = self.seconds[OURS], self.seconds[peer]
        a, b = self.results(peer)
        apart = ((a - b) / b).abs()
        differences = {
            "mean_difference": float(apart.mean()),
            "largest_difference": float(apart.max()),
        }
        return Row(
            name=peer,
            ours=each / median(ours),
            peer=each / median(theirs),
            ratio=median(p / o for o, p in zip(ours, theirs, strict=True)),
            n=each * len(ours),
            agreement=differences | agreement,
            machine=machine,
        )

    def results(self, peer: str) -> tuple[Tensor, Tensor]:
        """All that ours and a peer found."""
        return torch.cat(self.found[OURS]), torch.cat(self.found[peer])


def in_turn(runners: Mapping[str, Runner], batches: Sequence[Tensor]) -> Turns:
    """Let every runner answer a batch, then all of them the next; a first call of each, which also
    chooses kernels, is not timed.
    """
    turns = Turns({name: [] for name in runners}, {name: [] for name in runners})
    for runner in runners.values():
        runner(batches[0][:1])
    for x in progress(batches, total=len(batches), what="bench"):
        for name, runner in runners.items():
            start = time.perf_counter()
            found = runner(x).detach()
            if found.is_cuda:
                torch.cuda.synchronize()
            turns.seconds[name].append(time.perf_counter() - start)
            turns.found[name].append(found)
    return turns


def machine(settings: Settings, *, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """Where and with which settings contenders ran."""
    told = {"processor": processor(), "torch": torch.__version__, **asdict(settings)}
    return told | {"dtype": str(dtype), "device": device}
