"""Samples of the averaged generator while a pair is trained: for FID, and of fixed codes for the
pictures of progress.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.data.store import to_float
from robustgen.gan.pair import Maker, Pair, spread
from robustgen.gan.types import Features, prior, unsigned
from robustgen.measures.frechet import frechet
from robustgen.training.types import Part, Seed

BATCH = 250


class Sampler:
    """What draws from the generator `average` of a pair under training."""

    def __init__(
        self,
        pair: Pair,
        average: nn.Module,
        *,
        seed: Seed,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        assert isinstance(average, Maker)
        self.pair, self.average, self.seed = pair, average, seed
        self.device, self.dtype = device, dtype

    @torch.no_grad()
    def draw(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [n,c,h,w] in [0,1] of codes [n,d] and classes [n]."""
        half = self.dtype == torch.bfloat16
        pairs = zip(z.to(self.device).split(BATCH), y.to(self.device).split(BATCH), strict=True)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half):
            made = [self.average(spread(one, self.average.slots), labels) for one, labels in pairs]
        return unsigned(torch.cat(made).float())

    def snap(self, done: int, epochs: int) -> None:
        """Keep samples of fixed codes if their moment has come, `done` epochs being done."""
        if self.pair.progress is not None:
            due = [i for i, moment in enumerate(self._moments(epochs)) if moment == done]
            if due:
                self.pair.progress[due] = self._shown()

    def progress(self, done: int, epochs: int) -> Tensor | None:
        """The samples so far [t,K,m,c,h,w]; those of the present state where none are yet."""
        if self.pair.progress is None:
            return None
        later = [i for i, moment in enumerate(self._moments(epochs)) if moment > done]
        found = self.pair.progress.clone()
        if later:
            found[later] = self._shown()
        return found

    def _moments(self, epochs: int) -> list[int]:
        """After how many epochs each snapshot is taken."""
        assert self.pair.progress is not None
        count = len(self.pair.progress)
        return [-(-(i + 1) * epochs // count) for i in range(count)]

    def _shown(self) -> Tensor:
        """Samples [K,m,c,h,w] of the fixed codes, in bytes."""
        assert self.pair.progress is not None
        _, classes, shown, *shape = self.pair.progress.shape
        z = prior(classes * shown, self.average.latent, self.seed(use="shown"))
        x = self.draw(z, torch.arange(classes).repeat_interleave(shown))
        return (255 * x).round().byte().reshape(classes, shown, *shape)


class Fid:
    """The Frechet distance of as many samples as there are real images, by their features."""

    def __init__(self, features: Features, part: Part, *, most: int) -> None:
        self.features = features
        self.images, self.labels = part.images[:most], part.labels[:most]
        self.real: np.ndarray | None = None  # [n,d], computed once

    def __call__(self, sampler: Sampler) -> float:
        """The distance of samples of the same classes, whose codes are the same each time."""
        if self.real is None:
            self.real = self._features(self.images)
        z = prior(len(self.labels), sampler.average.latent, sampler.seed(use="judged"))
        return frechet(self.real, self._features(sampler.draw(z, self.labels)))

    @torch.no_grad()
    def _features(self, images: Tensor) -> np.ndarray:
        found = [self.features(to_float(one)).features for one in images.split(BATCH)]
        return torch.cat(found).double().cpu().numpy()
