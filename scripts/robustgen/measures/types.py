"""What a measure takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from robustgen.data.store import Images, to_float
from robustgen.nets.activations import Activations, activations

# (activations of images, of the natural images that they come from) -> columns, one value an image
Measure = Callable[[Activations, Activations], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Reference:
    """Training images that stand for what is natural to a net, and how it sees them."""

    model: nn.Sequential
    images: Images
    batch: int
    device: str

    @property
    def labels(self) -> np.ndarray:
        """The labels [n]."""
        return self.images.labels

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.images.names

    def batches(self) -> Iterator[Activations]:
        """The activations of all of them, batch by batch."""
        return (self._seen(start, start + self.batch) for start in range(0, len(self.images), self.batch))

    def first(self, count: int) -> Activations:
        """The activations of the first ones."""
        return self._seen(0, count)

    def _seen(self, start: int, stop: int) -> Activations:
        return activations(self.model, to_float(torch.from_numpy(self.images.images[start:stop])).to(self.device))
