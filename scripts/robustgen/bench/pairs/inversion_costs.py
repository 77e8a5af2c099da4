"""What classifying by inversion costs: seconds and passes per image of each method, beside a pass
of the net whose features are compared.

The networks are untrained, and time grows in proportion to the steps.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

import torch
from torch import Tensor

from robustgen.bench import costs
from robustgen.bench.costs import Method
from robustgen.bench.pairs.inversion import CLASSES, SIZE, search
from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings
from robustgen.gan import encoder
from robustgen.inversion.descent import Inversion
from robustgen.inversion.descent import Settings as Search
from robustgen.inversion.inverting import Inverting
from robustgen.inversion.perceptual import Perceptual
from robustgen.inversion.pruning import active, judged
from robustgen.inversion.starts import Encoded
from robustgen.nets import device
from robustgen.nets.spec import Spec
from robustgen.nets.weights import untrained

IMAGES, STEPS = 1, 4
PLAIN = "VGG, a pass"
WIDTHS = (16, 32, 64)


def pairs(settings: Settings) -> list[Row]:
    """One row per method: images per second beside the plain net's, and in `agreement` what an
    image costs.
    """
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    source = torch.Generator().manual_seed(0)
    x = torch.rand((IMAGES, 3, SIZE, SIZE), generator=source).to(place)
    machine = {**asdict(settings), "dtype": str(dtype), "device": place, "steps": STEPS}
    return costs.measured(methods(place, dtype), x, plain=PLAIN, machine=machine)


def judge(rows: list[Row]) -> list[str]:
    """The costs as a table; refused where passes are not those of the steps and classes."""
    return costs.table(rows, f"{STEPS} steps, {CLASSES} classes")


def methods(place: str, dtype: torch.dtype) -> dict[str, Method]:
    """The methods by name."""
    direct = search(place, dtype)
    net = cast(Perceptual, direct.distance).net
    encoded = Inversion(direct.generator, direct.distance, _encoded(direct, place), dtype)
    full = CLASSES * (1 + 3 * STEPS)
    few = 3 * sum(active(STEPS, CLASSES, pruned=True)) + judged(STEPS, CLASSES, pruned=True)
    known = {
        "Direct": (direct, Search(steps=STEPS), full),
        "Direct+": (direct, Search(steps=STEPS, plus=True), full),
        "Enc and Enc-D": (encoded, Search(steps=STEPS), full),
        "Enc+ and Enc-D+": (encoded, Search(steps=STEPS, plus=True), full),
        "Enc, pruned": (encoded, Search(steps=STEPS, pruned=True), few + CLASSES),
    }
    models = {name: Inverting(one, told, at_once=1000) for name, (one, told, _) in known.items()}
    found = {
        name: Method(models[name], models[name], passes) for name, (*_, passes) in known.items()
    }
    unrolled = models["Enc and Enc-D"].view(gradient="unrolled")
    through = full + 2 * CLASSES * STEPS
    gradient = {
        "Enc, input gradient, detached": _of_input(models["Enc and Enc-D"], full),
        "Enc, input gradient, unrolled": _of_input(unrolled, through),
    }
    return {PLAIN: Method(net, net, 1), **found, **gradient}


def _encoded(direct: Inversion, place: str) -> Encoded:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        told = {"latent": direct.generator.latent, "widths": WIDTHS, "blocks": 1}
        spec = Spec("encoder", 3, CLASSES, SIZE, (0.0,), (1.0,), told)
        net = untrained(spec).eval()
        ready = encoder.freeze(net, {}, spec=spec, dtype=torch.float32, device=place)
    return Encoded(ready, CLASSES)


def _of_input(model: Inverting, passes: float) -> Method:
    def run(x: Tensor) -> None:
        x = x.clone().requires_grad_()
        torch.autograd.grad(model(x).amax(dim=1).sum(), x)

    return Method(model, run, passes)
