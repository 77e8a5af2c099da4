"""Splits: disjoint index lists in a seeded order, so that the first n of a split are a fair sample of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustgen.core.refusal import Refused
from robustgen.core.seeds import numpy_generator

if TYPE_CHECKING:
    import numpy as np

NAMES = ("train", "validation", "test")


def split(part: np.ndarray, labels: np.ndarray, *, validation: int, seed: int, dataset: str) -> dict[str, np.ndarray]:
    """Indices of train, validation (`validation` images held out of the training part) and test."""
    import numpy as np

    order = numpy_generator(seed, dataset=dataset, use="split").permutation(len(part))
    train, test = order[part[order] == 0], order[part[order] == 1]
    if not 0 < validation < len(train):
        raise Refused(f"{dataset}: cannot hold {validation} validation images out of {len(train)} training images.")
    parts = {"train": train[validation:], "validation": train[:validation], "test": test}
    _no_class_empty(parts, labels, dataset)
    return {name: np.ascontiguousarray(index, dtype=np.int64) for name, index in parts.items()}


def class_counts(indices: np.ndarray, labels: np.ndarray, classes: int) -> list[int]:
    """How many of the images at `indices` each class has."""
    import numpy as np

    return [int(count) for count in np.bincount(labels[indices], minlength=classes)]


def _no_class_empty(parts: dict[str, np.ndarray], labels: np.ndarray, dataset: str) -> None:
    classes = int(labels.max()) + 1
    for name, index in parts.items():
        empty = [str(k) for k, count in enumerate(class_counts(index, labels, classes)) if not count]
        if empty:
            raise Refused(f"{dataset}: split {name} has no image of class {', '.join(empty)}; enlarge it.")
