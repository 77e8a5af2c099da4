"""What the tests of GANs share: small networks, features that are pixels, data of two classes."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.seeds import generator
from robustgen.gan.types import Distance, Features, Generator, Judged, Parts, Target
from robustgen.nets.spec import Spec
from robustgen.training.types import Data, Part

SEED = partial(generator, 3, seed=0, model="m")
CGAN: dict[str, Any] = {
    "width": 8,
    "discriminator_width": 8,
    "latent": 6,
    "embedding": 4,
    "snapshots": 2,
    "shown": 2,
}
BIGGAN: dict[str, Any] = {
    "ch": 2,
    "latent": 8,
    "shared": 5,
    "quantized": [1],
    "codes": 8,
    "snapshots": 0,
}


def spec(kind: str, size: int, classes: int = 2, **options: Any) -> Spec:
    return Spec(kind, 3, classes, size, (0.0,) * 3, (1.0,) * 3, options)


def normal(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def uniform(*size: int, seed: int = 0) -> Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed))


def settled(net: nn.Module, seed: int = 0) -> nn.Module:
    """The network in evaluation mode with weights and moments that do something."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=source))
        for name, buffer in net.named_buffers():
            if name.endswith("stored_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=source))
            if name.endswith("stored_mean"):
                buffer.copy_(0.2 * torch.randn(buffer.shape, generator=source))
    return net.eval()


def tinted(count: int, size: int, seed: int) -> Part:
    """Images of two classes, a red and a blue one, on noise."""
    y = torch.arange(count) % 2
    x = 80 * uniform(count, 3, size, size, seed=seed)
    x[y == 0, 0] += 150
    x[y == 1, 2] += 150
    return Part(x.byte(), y)


def data(size: int, *, train: int = 48, validation: int = 20) -> Data:
    return Data(tinted(train, size, seed=1), tinted(validation, size, seed=2))


class Means(Features):
    """The means and deviations of channels as features, red against blue as logits."""

    name, resize = "surrogate of means", "none"

    def forward(self, x: Tensor) -> Judged:
        means = x.mean(dim=(2, 3))
        features = torch.cat([means, x.std(dim=(2, 3))], dim=1)
        return Judged(features, 10 * means[:, [0, 2]])


class Affine(Generator):
    """x = b_y + A z, with orthogonal columns of A, as images of [0,1] when z is small."""

    def __init__(self, *, size: int, latent: int, classes: int = 2) -> None:
        super().__init__()
        self.latent, self.slots, self.classes = latent, 1, classes
        self.shape, self.features = (3, size, size), Means()
        q = torch.linalg.qr(normal(3 * size**2, latent, seed=4)).Q
        self.register_buffer("a", q)  # [p,d]
        self.register_buffer("b", 0.2 + 0.6 * uniform(classes, 3 * size**2, seed=5))

    def forward(self, z: Tensor, y: Tensor, extra: Tensor | None = None) -> Tensor:
        return (self.b[y] + z @ self.a.T).reshape(len(z), *self.shape)


class Pixels(Distance):
    """||2 x - 2 x'||^2 alone."""

    name, weight = "pixels", 0.0

    def target(self, x: Tensor) -> Target:
        return Target(x, ())

    def parts(self, target: Target, x: Tensor) -> Parts:
        pixels = (2 * x - 2 * target.x).square().sum(dim=(1, 2, 3))
        return Parts(pixels, torch.zeros_like(pixels))
