"""What chapter 2's methods cost: seconds and passes of networks per image, of each way to answer
and of each way to attack, beside a pass of the plain net.

The networks are untrained, of Table 2.1's shape for MNIST; time does not depend on the weights. It
grows in proportion to the steps of inference. Only the Latent Descent Attack stops early, where an
image falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.abs import cnn, eabs, lda
from robustgen.abs.inference import Inference
from robustgen.abs.synthesis import Synthesis
from robustgen.attacks import pgd
from robustgen.attacks.types import Spec as Attack
from robustgen.bench import costs
from robustgen.bench.costs import Method
from robustgen.bench.pairs.abs import CLASSES, SIZE, networks
from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings
from robustgen.nets import device
from robustgen.nets.classifier import Classifier, Normalize, Plain
from robustgen.nets.spec import Spec

IMAGES = 4  # per call
TOLD: dict[str, Any] = {"shape": "mnist", "candidates": 1000, "steps": 5, "samples": 2}
PLAIN = "CNN, a pass"
STEPS, EOT = 2, 5  # of PGD
SEARCH = {"steps": 4, "fine": 2}  # of the Latent Descent Attack


def pairs(settings: Settings) -> list[Row]:
    """One row per method: images per second beside the plain net's, and in `agreement` what an
    image costs: seconds, their range over turns, and passes.
    """
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.rand(min(IMAGES, settings.images), 1, SIZE, SIZE).to(place)
        known = methods(_models(dtype, place))
    machine = {**asdict(settings), "dtype": str(dtype), "device": place, **TOLD}
    return costs.measured(known, x, plain=PLAIN, machine=machine)


def judge(rows: list[Row]) -> list[str]:
    """The costs as a table; refused where passes are not those that a pass of inference takes."""
    how = (
        f"inference: {TOLD['steps']} steps, {TOLD['samples']} draws, {TOLD['candidates']} "
        f"candidates, {CLASSES} classes"
    )
    return costs.table(rows, how)


def _models(dtype: torch.dtype, place: str) -> dict[str, Any]:
    """The plain net, ABS, and E-ABS with and without variational inference."""
    net = cnn.build(channels=1, classes=CLASSES, size=SIZE, shape=TOLD["shape"])
    whole = nn.Sequential(Normalize((0.0,), (1.0,)), net).eval()
    off = dict.fromkeys(("adversarial", "discriminative"), False)
    full = _inferring({}, dtype, place)
    point = Inference(full.infer.net, full.infer.decoder, full.infer.cached, variational=False)
    return {
        "CNN": Plain(whole, dtype=dtype, device=place),
        "ABS": _inferring({**off, "variational": False}, dtype, place),
        "E-ABS without V": Synthesis(point, full.decoder, full.told),
        "E-ABS": full,
    }


def _inferring(switches: Mapping[str, bool], dtype: torch.dtype, place: str) -> Synthesis:
    trained = {name: on for name, on in switches.items() if name != "variational"}
    search = "bf16" if dtype == torch.bfloat16 else "fp32"
    told = {**eabs.DEFAULTS, **TOLD, **switches, "search": search}
    spec = Spec("eabs", 1, CLASSES, SIZE, (0.0,), (1.0,), told)
    return eabs.inferring(networks(**trained).to(place), told, spec=spec, device=place)


def methods(models: Mapping[str, Any]) -> dict[str, Method]:
    """The methods by name."""
    full, net = models["E-ABS"], models["CNN"]
    unrolled, steps, samples = full.view(gradient="unrolled"), TOLD["steps"], TOLD["samples"]
    point, drawn = (CLASSES * eabs.passes({**TOLD, "variational": v}, CLASSES) for v in (0, 1))
    through = drawn + 2 * CLASSES * (steps + samples)
    searched = f"E-ABS, LDA of {SEARCH['steps']} steps and {SEARCH['fine']} halvings"
    return {
        PLAIN: Method(net, net, 1),
        "ABS, a pass": Method(models["ABS"], models["ABS"], point),
        "E-ABS without V, a pass": Method(
            models["E-ABS without V"], models["E-ABS without V"], point
        ),
        "E-ABS, a pass": Method(full, full, drawn),
        "E-ABS, input gradient, detached": Method(full, lambda x: _gradient(full, x), drawn),
        "E-ABS, input gradient, unrolled": Method(full, lambda x: _gradient(unrolled, x), through),
        f"CNN, PGD of {STEPS} steps": Method(net, lambda x: _pgd(net, x, eot=1), STEPS * 3),
        f"E-ABS, PGD of {STEPS} steps, EOT {EOT}": Method(
            full, lambda x: _pgd(full, x, eot=EOT), STEPS * EOT * drawn
        ),
        searched: Method(full, lambda x: _lda(full, x)),
    }


def _gradient(model: Classifier, x: Tensor) -> None:
    x = x.clone().requires_grad_()
    torch.autograd.grad(model(x).amax(dim=1).sum(), x)


def _pgd(model: Classifier, x: Tensor, *, eot: int) -> None:
    told = {"rel_step": 0.5, "eot": eot, "loss": "margin"}
    spec = Attack(eps=0.3, steps=STEPS, options=told)
    pgd.attack(model, x, _labels(x), spec=spec, generator=torch.Generator().manual_seed(0))


def _lda(model: Classifier, x: Tensor) -> None:
    spec = Attack(
        eps=float("inf"), steps=SEARCH["steps"], norm="l2", options={"fine": SEARCH["fine"]}
    )
    lda.attack(model, x, _labels(x), spec=spec, generator=torch.Generator())


def _labels(x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device) % CLASSES
