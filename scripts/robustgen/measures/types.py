"""What a measure takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from robustgen.core.contracts import Broken
from robustgen.core.values import form
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
        return (
            self._seen(start, start + self.batch)
            for start in range(0, len(self.images), self.batch)
        )

    def first(self, count: int) -> Activations:
        """The activations of the first ones."""
        return self._seen(0, count)

    def _seen(self, start: int, stop: int) -> Activations:
        return activations(
            self.model, to_float(torch.from_numpy(self.images.images[start:stop])).to(self.device)
        )


def checked(found: Any, n: int) -> dict[str, np.ndarray]:
    """What a measure gave for n images, refused unless it is a finite number per image in every
    column.
    """
    if not isinstance(found, dict) or not found:
        raise Broken(f"a measure must give a dict of column -> array [n], not {form(found)}.")
    for name, values in found.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise Broken(f"a column is named by letters, digits and underscores, not {name!r}.")
        if (
            not isinstance(values, np.ndarray)
            or values.shape != (n,)
            or values.dtype.kind not in "biuf"
        ):
            raise Broken(
                f"column {name} must be a numpy array of numbers [{n}], one per image, not "
                f"{form(values)}."
            )
        if not np.isfinite(values).all():
            raise Broken(
                f"column {name} is infinite or NaN for {int((~np.isfinite(values)).sum())} of "
                f"{n} images."
            )
    return found
