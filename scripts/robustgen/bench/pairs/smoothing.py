"""A pass of variational smoothing: all classes of all images in one flat batch beside a loop over
classes, as Algorithm 5 is written, on the same net with the same random numbers.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from statistics import median
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.balls import ball
from robustgen.bench.net import trained
from robustgen.bench.rows import Disagreement, Row
from robustgen.bench.settings import Settings
from robustgen.core.meter import processor
from robustgen.nets import device
from robustgen.nets.classifier import Plain
from robustgen.smoothing import inference
from robustgen.smoothing.variational import Variational

TOLD = inference.Settings(eps=2 / 255)
SHARE = 4  # of the bench's images one in so many: a defended pass costs 80 of the net's
LARGEST = {torch.float32: 1e-3, torch.bfloat16: 0.25}  # difference of scores in units of log p


def pairs(settings: Settings) -> list[Row]:
    """One row: images per second of both, and by how much their scores differ at most."""
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        count = max(1, settings.images // SHARE)
        sizes = {"width": settings.width, "train": settings.train, "attack": count}
        model, x, _ = trained(**sizes, device=place, dtype=dtype)
    base = Plain(model, dtype=dtype, device=place)
    ours = Variational(base, TOLD, classes=base(x[:1]).shape[1])
    rates: dict[str, list[float]] = {"ours": [], "loop": []}
    largest, same = 0.0, 0
    for turn, batch in enumerate([x[: settings.batch], *x.split(settings.batch)]):  # one to warm up
        timed = {name: _timed(name, ours, batch, seed=turn) for name in rates}
        if turn:
            for name, (seconds, _) in timed.items():
                rates[name].append(len(batch) / seconds)
            a, b = (z for _, z in timed.values())
            largest = max(largest, float((a - b).abs().max()))
            same += int((a.argmax(dim=1) == b.argmax(dim=1)).sum())
    ratios = [one / other for one, other in zip(*rates.values(), strict=True)]
    agreement = {"largest_difference": largest, "predictions": same / len(x)}
    machine = {"processor": processor(), "torch": torch.__version__, **asdict(settings)}
    return [
        Row(
            name="loop over classes",
            ours=median(rates["ours"]),
            peer=median(rates["loop"]),
            ratio=median(ratios),
            n=len(x),
            agreement=agreement,
            machine=machine | {"dtype": str(dtype), "device": place},
        )
    ]


def judge(rows: list[Row]) -> list[str]:
    """How far the scores differ; refused where they are other scores."""
    said = []
    for row in rows:
        agreement, bf16 = row["agreement"], "bfloat16" in row["machine"]["dtype"]
        most = LARGEST[torch.bfloat16 if bf16 else torch.float32]
        if not agreement["largest_difference"] <= most:
            raise Disagreement(
                f"Scores of the flat batch and of the {row['name']} differ by up to "
                f"{agreement['largest_difference']:.3g}; one of the two is wrong."
            )
        said.append(
            f"Scores of the flat batch and of the {row['name']} differ by at most "
            f"{agreement['largest_difference']:.2g}, and {agreement['predictions']:.1%} of "
            "predictions agree."
        )
    return said


def by_class(model: Variational, x: Tensor) -> Tensor:
    """The same scores [n,K], class by class."""
    told, k = model.settings, model.classes
    drawn = torch.randn((len(x), told.samples, *x.shape[1:]), generator=model.generator).to(x)
    each = x.repeat_interleave(k, dim=0)
    starts = ball(told.norm, told.eps).start(each, model.generator).unflatten(0, (len(x), k))
    scores = [_of_class(model, x, starts[:, y], drawn, y) for y in range(k)]
    return torch.stack(scores, dim=1)


def _of_class(model: Variational, x: Tensor, start: Tensor, drawn: Tensor, place: int) -> Tensor:
    told, y = model.settings, torch.full((len(x),), place, device=x.device)
    noise = inference.simplified(model.base, x, y, start, told, unrolled=False)
    noisy = (noise.points[:, None] + told.sigma * drawn).flatten(0, 1)
    scores = inference.log_likelihood(model.base, noisy, y.repeat_interleave(told.samples))
    return scores.unflatten(0, (len(x), told.samples)).mean(dim=1)


def _timed(name: str, model: Variational, x: Tensor, *, seed: int) -> tuple[float, Tensor]:
    """(seconds, scores) of a pass with the random numbers of a seed."""
    model.reseed(torch.Generator().manual_seed(seed))
    run: Any = model if name == "ours" else by_class
    given = (x,) if name == "ours" else (model, x)
    start = time.perf_counter()
    with torch.no_grad():
        z = run(*given)
    if z.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, z
