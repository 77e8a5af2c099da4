"""Inversion of a generator by all classes: one flat batch with target features computed once,
beside a loop over the classes, from the same starts with the same steps.

The networks are untrained: how long a step takes does not depend on the weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from robustgen.bench.rows import Disagreement, Row
from robustgen.bench.settings import Settings
from robustgen.bench.turns import Runner, in_turn, machine
from robustgen.gan import cgan, features_of
from robustgen.gan.types import Generator
from robustgen.inversion.descent import Inversion
from robustgen.inversion.descent import Settings as Search
from robustgen.inversion.perceptual import Perceptual
from robustgen.inversion.schedule import rate
from robustgen.inversion.starts import Nearest
from robustgen.nets import device, vgg
from robustgen.nets.classifier import Normalize, Plain
from robustgen.nets.spec import Spec
from robustgen.nets.weights import untrained

CLASSES, SIZE = 10, 32
IMAGES, TURNS, STEPS, CODES = 2, 2, 5, 20
WIDTHS = {"width": 32, "discriminator_width": 8, "latent": 64}
LIVE, CACHED = "loop, targets anew, fp32", "loop, targets once, our precision"
FASTER = {LIVE: 3.0, CACHED: 1.5}
DIFFERENCE = 0.01  # of an objective, on average


def pairs(settings: Settings) -> list[Row]:
    """One row per loop: images per second of both, and by how much their objectives differ."""
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    ours = search(place, dtype)
    runners: dict[str, Runner] = {  # images [n,c,h,w] -> objectives [n,K]
        "ours": lambda x: ours(x, Search(steps=STEPS)).total,
        LIVE: lambda x: looped(ours, x, torch.float32, cached=False),
        CACHED: lambda x: looped(ours, x, dtype, cached=True),
    }
    turns = in_turn(runners, _images(ours.generator))
    where = machine(settings, dtype=dtype, device=place)
    return [turns.row(name, where, each=IMAGES) for name in (LIVE, CACHED)]


def judge(rows: list[Row]) -> list[str]:
    """How far objectives differ, refused where they are others; a warning where ours is slower than
    it should be.
    """
    said = []
    for row in rows:
        apart = row["agreement"]["mean_difference"]
        if not apart <= DIFFERENCE:
            raise Disagreement(
                f"Objectives of the flat batch and of the {row['name']} differ by {apart:.2%} on "
                "average; one of the two is wrong."
            )
        said.append(
            f"Objectives of the flat batch and of the {row['name']} differ by {apart:.3%} on "
            "average."
        )
        if row["ratio"] < FASTER[row["name"]]:
            said.append(
                f"Warning: {row['ratio']:.2f} times the speed of the {row['name']}, less than "
                f"{FASTER[row['name']]}."
            )
    return said


def search(place: str, dtype: torch.dtype) -> Inversion:
    """The search with untrained networks, from random codes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spec = Spec("cgan", 3, CLASSES, SIZE, (0.0,), (1.0,), WIDTHS)
        net = vgg.build(channels=3, classes=CLASSES, size=SIZE, width=16)
        plain = Plain(torch.nn.Sequential(Normalize((0.5,), (0.25,)), net), device=place)
        parts = {"features": features_of.FeaturesOf(plain)}
        pair = untrained(spec)
        told: dict[str, Any] = {"spec": spec, "dtype": torch.float32, "device": place}
        generator = cgan.freeze(pair, parts, **told)
    distance = Perceptual(plain, metric="VGG", weight=1.0, normalized="channels")
    return Inversion(generator, distance, Nearest(generator, count=CODES, seed=0), dtype)


def looped(ours: Inversion, x: Tensor, dtype: torch.dtype, *, cached: bool) -> Tensor:
    """The objectives [n,K] by a search of one class after the other, with torch's Adam."""
    start = ours.start(x)
    found = []
    for k in range(ours.generator.classes):
        y = torch.full((len(x),), k, device=x.device)
        z = start.codes[:, k].clone().requires_grad_()
        optimizer = Adam([z], lr=0.1)
        target = ours.distance.target(x)
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = 0.1 * rate(step, STEPS)
            optimizer.zero_grad()
            with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
                target = target if cached else ours.distance.target(x)
                distances = ours.distance(target, ours.generator(z, y))
            (distances + z.pow(2).sum(dim=1)).sum().backward()
            optimizer.step()
        with torch.no_grad():
            last = ours.distance(ours.distance.target(x), ours.generator(z, y))
            found.append(last + z.pow(2).sum(dim=1))
    return torch.stack(found, dim=1)


@torch.no_grad()
def _images(generator: Generator) -> tuple[Tensor, ...]:
    source = torch.Generator().manual_seed(0)
    x = torch.rand((TURNS * IMAGES, 3, SIZE, SIZE), generator=source)
    return x.to(next(generator.parameters()).device).split(IMAGES)
