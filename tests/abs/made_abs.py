"""What the tests of ABS and E-ABS share: small networks, decoders that are linear, and classifiers
of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from robustgen.abs import eabs
from robustgen.abs.net import Autoencoders
from robustgen.abs.synthesis import Synthesis
from robustgen.nets.spec import Spec

SIDE, LATENT = 28, 3
SMALL = {
    "shape": "mnist",
    "width": 0.1,
    "latent": LATENT,
    "candidates": 20,
    "steps": 3,
    "samples": 2,
    "search": "fp32",
}


def random(*size: int, seed: int = 0) -> Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed))


def normal(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def images(count: int, seed: int = 0) -> Tensor:
    """Images [n,1,28,28]."""
    return random(count, 1, SIDE, SIDE, seed=seed)


def spec(classes: int = 3, **options: Any) -> Spec:
    """A small model of kind eabs."""
    return Spec("eabs", 1, classes, SIDE, (0.5,), (0.25,), SMALL | options)


def settled(net: Autoencoders, channels: int, size: int) -> Autoencoders:
    """The networks in evaluation mode, whose norms do something, and whose images differ."""
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.3)
        norm.momentum = 1.0  # the statistics of the next batch
    net.encode(random(32, channels, size, size))
    net.decoder(normal(32, net.classes, net.latent))
    net.decoder.convs[-1].weight.data *= 3
    return net.eval().requires_grad_(False)


def networks(
    classes: int = 3, *, channels: int = 1, size: int = SIDE, seed: int = 0, **options: Any
) -> Autoencoders:
    """Small networks, ready for inference."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = eabs.build(channels=channels, classes=classes, size=size, **{**SMALL, **options})
        return settled(net, channels, size)


def classifier(classes: int = 3, *, seed: int = 0, **options: Any) -> Synthesis:
    """The classifier of small networks, with random numbers of its own."""
    of = spec(classes, **options)
    model = nn.Sequential(nn.Identity(), networks(classes, seed=seed, **of.options))
    found = eabs.freeze(model, {}, spec=of, dtype=torch.float32, device="cpu")
    found.reseed(torch.Generator().manual_seed(7))
    return found


class Linear(nn.Module):
    """Decoders G_k(z) = A_k z + b_k: [n,K,M] -> [n,K,1,28,28]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.a = 0.1 * normal(classes, SIDE**2, LATENT, seed=1)
        self.b = random(classes, SIDE**2, seed=2)

    def forward(self, z: Tensor) -> Tensor:
        found = torch.einsum("nkm,kpm->nkp", z, self.a) + self.b
        return found.reshape(*found.shape[:2], 1, SIDE, SIDE)
