"""Inference of E-ABS: the decoders of all classes as one grouped network beside a loop over the
classes, from the same starts with the same steps and the same random numbers.

The networks are untrained, of Table 2.1's shape for MNIST: how long a step takes does not depend on
the weights, and that scores agree is easier to see where the search is far from its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.abs import eabs
from robustgen.abs.frozen import Folded
from robustgen.abs.grouped import Decoder
from robustgen.abs.inference import Inference
from robustgen.abs.net import Autoencoders
from robustgen.abs.shapes import shape
from robustgen.abs.synthesis import Synthesis
from robustgen.bench.rows import Disagreement, Row
from robustgen.bench.settings import Settings
from robustgen.bench.turns import OURS, Runner, in_turn, machine
from robustgen.nets import device
from robustgen.nets.spec import Spec

CLASSES, SIZE = 10, 28
IMAGES = 20  # per call
TURNS = 2
TOLD: dict[str, Any] = {"shape": "mnist", "candidates": 200, "steps": 20}
LIVE, FOLDED = "loop, live norms in fp32", "loop, our folded networks"
FASTER = {LIVE: 3.0, FOLDED: 1.5}
DIFFERENCE = 0.01  # of a score, on average
FAR = 1e4  # beyond all scores


class Loop(nn.Module):
    """Decoders of one class each, one after the other: [n,K,M] -> [n,K,c,h,w]."""

    def __init__(self, decoders: Sequence[nn.Module]) -> None:
        super().__init__()
        self.decoders = nn.ModuleList(decoders)

    def forward(self, z: Tensor) -> Tensor:
        each = [decoder(z[:, k : k + 1]) for k, decoder in enumerate(self.decoders)]
        return torch.cat(each, dim=1)


def pairs(settings: Settings) -> list[Row]:
    """One row per loop: images per second of both, by how much their scores differ, and on how many
    images predictions do.
    """
    place = device.use(device=settings.device, threads=settings.threads)
    dtype = device.precision(settings.precision, place)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = networks().to(place)
    told = {**eabs.DEFAULTS, **TOLD, "search": "bf16" if dtype == torch.bfloat16 else "fp32"}
    spec = Spec("eabs", 1, CLASSES, SIZE, (0.0,), (1.0,), told)
    ours = started(eabs.inferring(net, told, spec=spec, device=place))
    models = {OURS: ours, LIVE: live(ours), FOLDED: folded(ours, dtype)}
    batches = _batches(net, settings)
    turns = in_turn({name: _seeded(model) for name, model in models.items()}, batches)
    where, each = machine(settings, dtype=dtype, device=place), len(batches[0])
    others = {name: _others(*turns.results(name)) for name in (LIVE, FOLDED)}
    return [
        turns.row(name, where, each=each, other_predictions=count) for name, count in others.items()
    ]


def judge(rows: list[Row]) -> list[str]:
    """How far the scores differ, refused where they are other scores; a warning where ours is
    slower than it should be.
    """
    said = []
    for row in rows:
        found = row["agreement"]
        if not found["mean_difference"] <= DIFFERENCE or found["other_predictions"] > 1:
            raise Disagreement(
                f"Scores of the grouped decoders and of the {row['name']} differ by "
                f"{found['mean_difference']:.2%} on average, and predictions on "
                f"{found['other_predictions']} of {row['n']} images; one of the two is wrong."
            )
        said.append(
            f"Scores of the grouped decoders and of the {row['name']} differ by "
            f"{found['mean_difference']:.3%} on average and {found['largest_difference']:.2%} at "
            "most."
        )
        if row["ratio"] < FASTER[row["name"]]:
            said.append(
                f"Warning: {row['ratio']:.2f} times the speed of the {row['name']}, less than "
                f"{FASTER[row['name']]}."
            )
    return said


def networks(**switches: bool) -> Autoencoders:
    """Untrained networks, whose norms have the statistics of a batch of latents; those of E-ABS
    where no switch is given.
    """
    form: dict[str, Any] = {"channels": 1, "classes": CLASSES, "size": SIZE, "dropout": 0.0}
    net = eabs.build(**form, shape=TOLD["shape"], **switches)
    assert isinstance(net, Autoencoders)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    net.encode(torch.rand(32, 1, SIZE, SIZE))
    net.decoder(torch.randn(32, CLASSES, net.latent))
    return net.eval().requires_grad_(False)


def started(model: Synthesis) -> Synthesis:
    """The same model, which starts at one of the random candidates in any case: which of the best
    of them and the encoder's latents is better depends on rounding here and there.
    """
    known = model.infer.cached
    better = replace(known, offsets=known.offsets - FAR)
    infer = Inference(model.infer.net, model.infer.decoder, better, variational=True)
    return Synthesis(infer, model.decoder, model.told)


def live(ours: Synthesis) -> Synthesis:
    """The loop as its users write it: contiguous fp32 decoders with their norms."""
    return _with(ours, *[Loop(separate(ours.infer.net))] * 2)


def folded(ours: Synthesis, dtype: torch.dtype) -> Synthesis:
    """The loop over decoders of our form and precision."""
    decoders = separate(ours.infer.net)
    search, exact = (Loop([Folded(one, of) for one in decoders]) for of in (dtype, torch.float32))
    return _with(ours, search, exact)


def separate(net: Autoencoders) -> list[Decoder]:
    """The decoders of the classes, one network each, contiguous."""
    of = shape(TOLD["shape"], channels=1, size=SIZE, width=1.0, latent=net.latent)
    found = []
    for k in range(CLASSES):
        one = Decoder(of, 1, dropout=0.0).to(next(net.parameters()).device)
        state = {name: _part(tensor, k) for name, tensor in net.decoder.state_dict().items()}
        one.load_state_dict(state)
        found.append(one.eval().requires_grad_(False))
    return found


def _part(tensor: Tensor, k: int) -> Tensor:
    """What class k has of a tensor of all classes."""
    return tensor.chunk(CLASSES)[k].contiguous() if tensor.ndim else tensor


def _with(ours: Synthesis, search: nn.Module, exact: nn.Module) -> Synthesis:
    """The same inference by other decoders, from the same candidates."""
    infer = Inference(ours.infer.net, search, ours.infer.cached, variational=True)
    return Synthesis(infer, exact, ours.told)


@torch.no_grad()
def _batches(net: Autoencoders, settings: Settings) -> tuple[Tensor, ...]:
    """Images that the decoders made, of one class after the other, so that there is a prediction to
    agree on.
    """
    count = min(IMAGES, settings.images)
    each = torch.arange(TURNS * count)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn((len(each), CLASSES, net.latent), generator=generator)
    images: Tensor = net.decoder(z.to(next(net.parameters())))
    return images[each, each % CLASSES].split(count)


def _seeded(model: Synthesis) -> Runner:
    """The scores of a batch, with the same random numbers in each call."""

    @torch.no_grad()
    def scores(x: Tensor) -> Tensor:
        model.reseed(torch.Generator().manual_seed(0))
        z: Tensor = model(x)
        return z

    return scores


def _others(a: Tensor, b: Tensor) -> int:
    """On how many images two sets of scores [n,K] predict another class."""
    return int((a.argmax(dim=1) != b.argmax(dim=1)).sum())
