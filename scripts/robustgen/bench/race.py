"""Our PGD against its peers: contenders take turns at every batch, and speed counts only where the
losses agree.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.attacks.loop import input_gradient
from robustgen.attacks.losses import untargeted
from robustgen.attacks.types import Spec
from robustgen.bench.contenders import Contender, contenders
from robustgen.bench.net import trained
from robustgen.core.meter import processor
from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.nets import classifier, device

EPS, STEP = 8 / 255, 1 / 255
FASTER = 2.5  # times the images per second of a peer as its users run it
LEAST_LOSS = 0.99  # of the peer's


class Disagreement(Refused):
    """Our attack is weaker than a peer's, so its speed counts for nothing."""


@dataclass(frozen=True)
class Settings:
    """The settings of the command of the same name."""

    images: int
    batch: int
    steps: int
    rounds: int
    width: int
    train: int
    device: str
    precision: str
    threads: int

    def __post_init__(self) -> None:
        empty = [
            name for name, value in asdict(self).items() if isinstance(value, int) and value < 1
        ]
        if empty:
            raise Refused(
                f"The bench needs at least 1 for {', '.join(f'--{name}' for name in empty)}."
            )


def measure(settings: Settings) -> list[dict[str, Any]]:
    """Train a net, let all contenders attack it, and compare the first of them, ours, with each of
    the others.
    """
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    spec = Spec(eps=EPS, step=STEP, steps=settings.steps)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"width": settings.width, "train": settings.train, "attack": settings.images}
        model, x, y = trained(**sizes, device=place, dtype=dtype)
        own = classifier.frozen(model, dtype=dtype, device=place)
        rates, losses = race(
            contenders(model, own, spec), model, x, y, batch=settings.batch, rounds=settings.rounds
        )
    machine, facts = _machine(place, settings, dtype), _facts(model, x, y)
    return [row | {"n": len(y), "machine": machine} for row in compare(rates, losses, facts)]


def race(
    runners: list[Contender], model: nn.Module, x: Tensor, y: Tensor, *, batch: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Images per second of every contender, turn by turn, and the model's mean cross entropy on its
    images.
    """
    for runner in runners:
        _seconds(runner, x[:batch], y[:batch])
    rates: dict[str, list[float]] = {runner.name: [] for runner in runners}
    sums = dict.fromkeys(rates, 0.0)
    turns = [slice(start, start + batch) for start in range(0, len(y), batch)] * rounds
    for turn in progress(turns, total=len(turns), what="bench"):
        # so that no place in the order is always the same one's
        runners = runners[1:] + runners[:1]
        for runner in runners:
            seconds, found = _seconds(runner, x[turn], y[turn])
            rates[runner.name].append(len(found) / seconds)
            with torch.no_grad():
                sums[runner.name] += cross_entropy(model(found), y[turn], reduction="sum").item()
    return rates, {name: total / (rounds * len(y)) for name, total in sums.items()}


def compare(
    rates: dict[str, list[float]], losses: dict[str, float], facts: dict[str, Any]
) -> list[dict[str, Any]]:
    """One row per peer: median rates, the median of the ratios of the turns, and both losses."""
    ours, *peers = rates
    rows = []
    for peer in peers:
        ratios = [own / other for own, other in zip(rates[ours], rates[peer], strict=True)]
        agreement = {
            "loss_ours": losses[ours],
            "loss_peer": losses[peer],
            "loss_ratio": losses[ours] / losses[peer],
        }
        speed = {"ours": median(rates[ours]), "peer": median(rates[peer]), "ratio": median(ratios)}
        rows.append({"name": peer, **speed, "agreement": agreement | facts})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as aligned text, the ratio last but for the losses."""
    width = max(len(row["name"]) for row in rows)
    lines = [f"{'peer':{width}}  ours/s  peer/s  ratio  loss ours  loss peer"]
    for row in rows:
        speed = f"{row['ours']:6.1f}  {row['peer']:6.1f}  {row['ratio']:5.2f}"
        losses = f"{row['agreement']['loss_ours']:9.4f}  {row['agreement']['loss_peer']:9.4f}"
        lines.append(f"{row['name']:{width}}  {speed}  {losses}")
    return "\n".join(lines)


def warnings(rows: list[dict[str, Any]]) -> list[str]:
    """A sentence for each peer, as its users run it, that is closer than it should be."""
    slow = [row for row in rows if row["name"].endswith("as used") and row["ratio"] < FASTER]
    return [
        (f"Warning: {row['ratio']:.2f} times the speed of {row['name']}, less than {FASTER}.")
        for row in slow
    ]


def judge(rows: list[dict[str, Any]]) -> None:
    """Refuse rows in which our loss is more than 1 % below a peer's, or no number."""
    for row in rows:
        found = row["agreement"]
        if not found["loss_ratio"] >= LEAST_LOSS:
            raise Disagreement(
                f"Our loss {found['loss_ours']:.4f} is below {LEAST_LOSS:.0%} of "
                f"{found['loss_peer']:.4f}, that of "
                f"{row['name']}; try --precision fp32, and do not trust the attacks of this "
                "machine until they agree."
            )


def _facts(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Any]:
    """Loss and accuracy before the attack, and how many images have no gradient there, so that no
    attack can start.
    """
    gradient = input_gradient(model, untargeted(y))(x)
    with torch.no_grad():
        z = model(x)
    accuracy = (z.argmax(dim=1) == y).float().mean().item()
    zeros = int((gradient.flatten(1) == 0).all(dim=1).sum())
    return {
        "loss_clean": cross_entropy(z, y).item(),
        "accuracy_clean": accuracy,
        "zero_gradients": zeros,
    }


def _seconds(runner: Contender, x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    start = time.perf_counter()
    found = runner.run(x, y)
    if found.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, found


def _machine(place: str, settings: Settings, dtype: torch.dtype) -> dict[str, Any]:
    name = torch.cuda.get_device_name() if place == "cuda" else processor()
    return {
        "processor": name,
        "torch": torch.__version__,
        "dtype": str(dtype),
        **asdict(settings),
        "device": place,
    }
