"""What a measure takes and gives.

A measure is columns per image, or rows of another unit, beyond the scores of a classifier. Its
module declares what it is measured on in ON:

attack   clean images and those of each attack. `measure(classifier, reference, *, options,
         generator)` returns a function of (look at images, look at their clean versions) that gives
         columns, one value per image.
model    each model, on clean test images. `measure(classifier, images, *, options, context)`
         returns `Measured`.

LOOKS_AT names the inner quantities that it asks a classifier for; UNIT is the unit of its rows, and
KEYS are columns that tell rows of one image apart. OF names what a model must give for a measure ON
model, where that is no classifier; MADE_FROM names measures of the same model whose rows and arrays
it is handed. MEASURED_BY names the options that the measure
uses, where the module is a detector too and its other options are the detector's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from robustgen.core.contracts import Broken
from robustgen.core.values import form
from robustgen.data.store import Images, to_float

if TYPE_CHECKING:
    import pandas as pd

    from robustgen.nets.classifier import Classifier

Look = dict[str, Any]  # named inner quantities of a batch of images
Columns = dict[str, np.ndarray]
PerImage = Callable[[Look, Look], Columns]  # (of images, of the clean ones that they come from)


@dataclass(frozen=True)
class Reference:
    """Training images that stand for what a classifier knows, and how it sees them."""

    model: Classifier
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

    def batches(self) -> Iterator[Look]:
        """The looks at all of them, batch by batch."""
        starts = range(0, len(self.images), self.batch)
        return (self._seen(start, start + self.batch) for start in starts)

    def first(self, count: int) -> Look:
        """The look at the first ones."""
        return self._seen(0, count)

    def _seen(self, start: int, stop: int) -> Look:
        import torch

        with torch.no_grad():
            x = to_float(torch.from_numpy(self.images.images[start:stop])).to(self.device)
            return self.model.look(x)


@dataclass(frozen=True)
class Context:
    """What a measure of a model may use beside the classifier and the images."""

    seed: Callable[..., int]  # named axes -> a seed
    attacks: dict[str, dict[str, Any]]  # sweeps of the attacks that its options name
    batch: int
    device: str
    given: dict[str, Measured] = field(default_factory=dict)  # by MADE_FROM


@dataclass(frozen=True)
class Measured:
    """Rows without the columns of IDENTITY, which the job adds, and arrays such as pictures."""

    rows: pd.DataFrame
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    axes: tuple[str, ...] = ()  # of the rows


def checked(found: Any, n: int) -> Columns:
    """The columns of n images, refused unless each is a finite number per image."""
    if not isinstance(found, dict) or not found:
        raise Broken(f"a measure must give a dict of column -> array [n], not {form(found)}.")
    for name, values in found.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise Broken(f"a column is named by letters, digits and underscores, not {name!r}.")
        wrong = not isinstance(values, np.ndarray) or values.shape != (n,)
        if wrong or values.dtype.kind not in "biuf":
            raise Broken(
                f"column {name} must be a numpy array of numbers [{n}], one per image, not "
                f"{form(values)}."
            )
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise Broken(f"column {name} is infinite or NaN for {bad} of {n} images.")
    return found
