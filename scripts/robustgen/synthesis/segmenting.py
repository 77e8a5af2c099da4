"""Training of a segmenter on images with masks: binary cross entropy per pixel, by Adam.

The best state is that of the largest mean intersection over union on validation images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from robustgen.core.refusal import Refused
from robustgen.data.store import to_float
from robustgen.gan.types import signed
from robustgen.synthesis.overlap import iou
from robustgen.synthesis.segmenter import Unet
from robustgen.training.augment import augment
from robustgen.training.one_net import EVALUATION_BATCH, OneNet
from robustgen.training.types import Data, Recipe, Seed

OPTIONS: dict[str, dict[str, Any]] = {
    "batch": {"type": "whole number", "least": 2, "default": 64, "means": "Images per step."},
    "lr": {"type": "number", "above": 0, "default": 0.002, "means": "Learning rate of Adam."},
    "noise": {
        "type": "number",
        "least": 0,
        "default": 0.1,
        "means": "Largest standard deviation of the Gaussian noise on training images; each image "
        "draws its own from 0 on.",
    },
    "flip": {
        "type": "true or false",
        "default": True,
        "means": "Whether training images are mirrored at random, with their masks.",
    },
}


def trainer(
    model: nn.Module,
    *,
    recipe: Recipe,
    data: Data,
    seed: Seed,
    dtype: torch.dtype,
    parts: Mapping[str, Any],
) -> Segmenting:
    """The trainer of a model of kind segmenter."""
    del parts
    if not isinstance(cast(nn.Sequential, model)[-1], Unet):
        raise Refused("Trainer segmenting trains models of kind segmenter alone.")
    if data.train.masks is None or data.validation.masks is None:
        raise Refused(
            "Trainer segmenting needs masks, which this data set has not: train the segmenter on "
            "signs, or on an npz data set whose files hold `masks` beside `images`."
        )
    return Segmenting(model, recipe, data, seed, dtype)


class Segmenting(OneNet):
    """One segmenter, at a constant learning rate."""

    def loss(self, index: Tensor, source: torch.Generator) -> Tensor:
        x, masks = self._drawn(index, source)
        return binary_cross_entropy_with_logits(self._logits(x), masks)

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """The mean intersection over union on validation images, which is the score."""
        self.model.eval()
        part = self.data.validation
        masks = cast(Tensor, part.masks)
        pairs = zip(part.images.split(EVALUATION_BATCH), masks.split(EVALUATION_BATCH), strict=True)
        found = torch.cat([iou(self._logits(to_float(x)) > 0, m) for x, m in pairs])
        return {"validation_iou": float(found.mean()), "score": float(found.mean())}

    def _drawn(self, index: Tensor, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images [n,c,h,w] with noise and their masks [n,h,w], mirrored together."""
        masks = cast(Tensor, self.data.train.masks)[index][:, None].float()
        both = torch.cat([to_float(self.data.train.images[index]), masks], dim=1)
        both = augment(both, flip=self.options["flip"], crop=0, generator=source)
        x, masks = both[:, :-1], both[:, -1]
        strength = self.options["noise"] * torch.rand((len(x), 1, 1, 1), generator=source)
        noise = strength * torch.randn(x.shape, generator=source)
        return (x + noise.to(x.device)).clamp(0, 1), masks

    def _logits(self, x: Tensor) -> Tensor:
        enabled = self.dtype == torch.bfloat16
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled):
            logits: Tensor = self.net(signed(x).contiguous(memory_format=torch.channels_last))
        return logits.float()
