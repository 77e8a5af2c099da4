"""Training of a denoiser: the mean squared error of the noise, at noise levels drawn log-uniformly,
by Adam.

Of E |eps_hat(x + sigma xi, sigma) - xi|^2 the best estimate is (x - E[clean | x]) / sigma; so it
gives the score of the noisy images (Vincent 2011).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.data.store import to_float
from robustgen.synthesis.denoiser import Residual
from robustgen.training.augment import augment
from robustgen.training.one_net import EVALUATION_BATCH, OneNet
from robustgen.training.types import Data, Recipe, Seed

OPTIONS: dict[str, dict[str, Any]] = {
    "least": {
        "type": "number",
        "above": 0,
        "default": 0.05,
        "below_option": ("most", "noise levels lie between the two"),
        "means": "Smallest standard deviation of the noise, for pixels in [0,1].",
    },
    "most": {
        "type": "number",
        "above": 0,
        "default": 0.5,
        "means": "Largest standard deviation of the noise.",
    },
    "batch": {"type": "whole number", "least": 2, "default": 64, "means": "Images per step."},
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.002,
        "means": "Learning rate of Adam at the start; it falls linearly to zero.",
    },
    "flip": {
        "type": "true or false",
        "default": True,
        "means": "Whether training images are mirrored at random; not for signs or digits.",
    },
}


@dataclass(frozen=True)
class Noisy:
    """Images with noise, its levels, and the noise itself."""

    x: Tensor  # [n,c,h,w], clean + sigma xi
    sigma: Tensor  # [n]
    xi: Tensor  # [n,c,h,w]


def trainer(
    model: nn.Module,
    *,
    recipe: Recipe,
    data: Data,
    seed: Seed,
    dtype: torch.dtype,
    parts: Mapping[str, Any],
) -> Denoising:
    """The trainer of a model of kind denoiser."""
    del parts
    if not isinstance(cast(nn.Sequential, model)[-1], Residual):
        raise Refused("Trainer denoising trains models of kind denoiser alone.")
    return Denoising(model, recipe, data, seed, dtype)


class Denoising(OneNet):
    """One denoiser, at a learning rate that falls linearly to zero."""

    def loss(self, index: Tensor, source: torch.Generator) -> Tensor:
        x = to_float(self.data.train.images[index])
        x = augment(x, flip=self.options["flip"], crop=0, generator=source)
        return self._loss(self._noisy(x, source))

    def rate(self, position: float) -> float:
        return float(self.options["lr"] * (1 - position / self.epochs))

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """The loss on validation images, with the same noise in every epoch; its negative is the
        score.
        """
        self.model.eval()
        source, total = self.seed(use="validation"), 0.0
        for images in self.data.validation.images.split(EVALUATION_BATCH):
            total += len(images) * float(self._loss(self._noisy(to_float(images), source)))
        loss = total / len(self.data.validation.images)
        return {"validation_loss": loss, "score": -loss}

    def _noisy(self, x: Tensor, source: torch.Generator) -> Noisy:
        """Images with noise whose log sigma is uniform; drawn on the CPU."""
        low, high = math.log(self.options["least"]), math.log(self.options["most"])
        sigma = (low + (high - low) * torch.rand(len(x), generator=source)).exp().to(x.device)
        xi = torch.randn(x.shape, generator=source).to(x.device)
        return Noisy(x + sigma[:, None, None, None] * xi, sigma, xi)

    def _loss(self, noisy: Noisy) -> Tensor:
        """mean (eps_hat - xi)^2; 1 where the net says nothing."""
        x = noisy.x.contiguous(memory_format=torch.channels_last)
        enabled = self.dtype == torch.bfloat16
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled):
            found = self.net(x, noisy.sigma)
        return (found.float() - noisy.xi).square().mean()
