"""What the tests of scores and chains share: a denoiser in closed form, and one that trains."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from robustgen.core.seeds import generator
from robustgen.nets import weights
from robustgen.nets.spec import Spec
from robustgen.synthesis.denoiser import Denoiser
from robustgen.synthesis.denoising import Denoising, trainer
from robustgen.training.types import Data, Part, Recipe

SEED = partial(generator, 3, seed=0, model="m")
MEAN, SD, SIDE = 0.5, 0.15, 8


class OfGaussian(Denoiser):
    """The best denoiser of images of independent pixels N(m, s^2): the posterior mean is
    (s^2 x + sigma^2 m) / (s^2 + sigma^2), so that xi is sigma (x - m) / (s^2 + sigma^2).
    """

    def __init__(self, m: float = MEAN, s: float = SD) -> None:
        super().__init__()
        self.m, self.s = m, s

    def noise(self, x: Tensor, sigma: float) -> Tensor:
        return sigma * (x - self.m) / (self.s**2 + sigma**2)


def gaussian(count: int, seed: int) -> Part:
    """Images of independent pixels N(m, s^2), as bytes."""
    source = torch.Generator().manual_seed(seed)
    x = MEAN + SD * torch.randn(count, 3, SIDE, SIDE, generator=source)
    return Part((255 * x.clamp(0, 1)).round().byte(), torch.arange(count) % 3)


def spec(**options: Any) -> Spec:
    return Spec(
        "denoiser", 3, 3, SIDE, (0.5,) * 3, (0.25,) * 3, {"width": 16, "depth": 3, **options}
    )


def denoising(
    *, epochs: int = 3, count: int = 96, dtype: Any = torch.float32, **options: Any
) -> Denoising:
    """The trainer of a small denoiser."""
    torch.manual_seed(0)
    return trainer(
        weights.untrained(spec()),
        recipe=Recipe(epochs=epochs, trainer="denoising", options={"batch": 16, **options}),
        data=Data(gaussian(count, 1), gaussian(40, 2)),
        seed=SEED,
        dtype=dtype,
        parts={},
    )
