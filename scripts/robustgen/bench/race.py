"""Our PGD against its peers: contenders take turns at every batch, and speed counts only where the
losses agree.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.bench.contenders import Budget, Contender, contenders
from robustgen.bench.net import trained
from robustgen.bench.rows import Disagreement as Disagreement
from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings
from robustgen.core.meter import processor
from robustgen.core.progress import progress
from robustgen.nets import device
from robustgen.nets.classifier import Plain

EPS, STEP = 8 / 255, 1 / 255
FASTER = 2.5  # times the images per second of a peer as its users run it
LEAST_LOSS = 0.99  # of the peer's


def measure(settings: Settings) -> list[Row]:
    """Train a net, let all contenders attack it, and compare the first of them, ours, with each of
    the others.
    """
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    budget = Budget(eps=EPS, step=STEP, steps=settings.steps)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"width": settings.width, "train": settings.train, "attack": settings.images}
        model, x, y = trained(**sizes, device=place, dtype=dtype)
        own = Plain(model, dtype=dtype, device=place)
        warm_up(contenders(model, own, replace(budget, steps=1)), x, y, batch=settings.batch)
        runners = contenders(model, own, budget)
        rates, losses = race(runners, model, x, y, batch=settings.batch, rounds=settings.rounds)
    machine = _machine(place, settings, dtype)
    return compare(rates, losses, _facts(model, x, y), n=len(y), machine=machine)


def warm_up(runners: list[Contender], x: Tensor, y: Tensor, *, batch: int) -> None:
    """Run every contender once per size of a batch, for a first call also chooses kernels."""
    for size in {batch, len(y) % batch or batch}:
        for runner in runners:
            runner.run(x[:size], y[:size])


def race(
    runners: list[Contender], model: nn.Module, x: Tensor, y: Tensor, *, batch: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Images per second of every contender, turn by turn, and the model's mean cross entropy on its
    images.
    """
    rates: dict[str, list[float]] = {runner.name: [] for runner in runners}
    sums = dict.fromkeys(rates, 0.0)
    turns = [slice(start, start + batch) for start in range(0, len(y), batch)] * rounds
    for turn in progress(turns, total=len(turns), what="bench"):
        # so that no place in the order is always the same one's
        runners = runners[1:] + runners[:1]
        for runner in runners:
            seconds, attacked = _seconds(runner, x[turn], y[turn])
            rates[runner.name].append(len(attacked) / seconds)
            with torch.no_grad():
                sums[runner.name] += cross_entropy(model(attacked), y[turn], reduction="sum").item()
    return rates, {name: total / (rounds * len(y)) for name, total in sums.items()}


def compare(
    rates: dict[str, list[float]],
    losses: dict[str, float],
    facts: dict[str, Any],
    *,
    n: int = 0,
    machine: dict[str, Any] | None = None,
) -> list[Row]:
    """One row per peer: median rates, the median of the ratios of the turns, and both losses."""
    ours, *peers = rates
    rows: list[Row] = []
    for peer in peers:
        ratios = [own / other for own, other in zip(rates[ours], rates[peer], strict=True)]
        agreement = {
            "loss_ours": losses[ours],
            "loss_peer": losses[peer],
            "loss_ratio": losses[ours] / losses[peer],
        }
        rows.append(
            Row(
                name=peer,
                ours=median(rates[ours]),
                peer=median(rates[peer]),
                ratio=median(ratios),
                n=n,
                agreement=agreement | facts,
                machine=machine or {},
            )
        )
    return rows


def agreed(rows: list[Row]) -> str:
    """A sentence with the losses of ours and of the peers."""
    ours = rows[0]["agreement"]["loss_ours"]
    peers = [row["agreement"]["loss_peer"] for row in rows]
    return (
        f"The mean loss of our images is {ours:.4f}, of the peers' {min(peers):.4f} to "
        f"{max(peers):.4f}."
    )


def warnings(rows: list[Row]) -> list[str]:
    """A sentence for each peer, as its users run it, that is closer than it should be."""
    slow = [row for row in rows if row["name"].endswith("as used") and row["ratio"] < FASTER]
    return [
        f"Warning: {row['ratio']:.2f} times the speed of {row['name']}, less than {FASTER}."
        for row in slow
    ]


def judge(rows: list[Row]) -> None:
    """Refuse rows in which our loss is more than 1 % below a peer's, or no number."""
    for row in rows:
        agreement = row["agreement"]
        if not agreement["loss_ratio"] >= LEAST_LOSS:
            raise Disagreement(
                f"Our loss {agreement['loss_ours']:.4f} is below {LEAST_LOSS:.0%} of "
                f"{agreement['loss_peer']:.4f}, that of "
                f"{row['name']}; try --precision fp32, and do not trust the attacks of this "
                "machine until they agree."
            )


def _facts(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Any]:
    """Loss and accuracy before the attack, and how many images have no gradient there, so that no
    attack can start.
    """
    x = x.detach().requires_grad_()
    z = model(x)
    gradient = torch.autograd.grad(cross_entropy(z, y, reduction="sum"), x)[0]
    return {
        "loss_clean": cross_entropy(z, y).item(),
        "accuracy_clean": (z.argmax(dim=1) == y).float().mean().item(),
        "zero_gradients": int((gradient.flatten(1) == 0).all(dim=1).sum()),
    }


def _seconds(runner: Contender, x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    start = time.perf_counter()
    attacked = runner.run(x, y)
    if attacked.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, attacked


def _machine(place: str, settings: Settings, dtype: torch.dtype) -> dict[str, Any]:
    name = torch.cuda.get_device_name() if place == "cuda" else processor()
    return {
        "processor": name,
        "torch": torch.__version__,
        "dtype": str(dtype),
        **asdict(settings),
        "device": place,
    }
