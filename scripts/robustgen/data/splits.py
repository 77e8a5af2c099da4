"""Splits: disjoint index lists in a seeded order, so that the first n of a split are a fair sample
of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustgen.core.refusal import Refused
from robustgen.core.seeds import numpy_generator

if TYPE_CHECKING:
    import numpy as np

NAMES = ("train", "validation", "test")


def split(
    part: np.ndarray, labels: np.ndarray, *, validation: int, seed: int, dataset: str
) -> dict[str, np.ndarray]:
    """Indices of train, validation (`validation` images held out of the training part) and test."""
    import numpy as np

    order = numpy_generator(seed, dataset=dataset, use="split").permutation(len(part))
    train, test = order[part[order] == 0], order[part[order] == 1]
    if not 0 < validation < len(train):
        have = f"cannot hold {validation} validation images out of {len(train)} training images"
        raise Refused(
            f"{dataset}: {have}; set datasets.{dataset}.validation to a number from 1 to "
            f"{len(train) - 1}."
        )
    parts = {"train": train[validation:], "validation": train[:validation], "test": test}
    _no_class_empty(parts, labels, dataset)
    return {name: np.ascontiguousarray(index, dtype=np.int64) for name, index in parts.items()}


def class_counts(indices: np.ndarray, labels: np.ndarray, classes: int) -> list[int]:
    """How many of the images at `indices` each class has."""
    import numpy as np

    found = dict(zip(*np.unique(labels[indices], return_counts=True), strict=True))
    return [int(found.get(k, 0)) for k in range(classes)]


def _no_class_empty(parts: dict[str, np.ndarray], labels: np.ndarray, dataset: str) -> None:
    import numpy as np

    for name, index in parts.items():
        if lacking := np.setdiff1d(labels, labels[index]).tolist():
            classes = ", ".join(str(k) for k in lacking)
            raise Refused(
                f"{dataset}: split {name} has no image of class {classes}; "
                f"{_way(name, len(index), dataset)}."
            )


def _way(name: str, count: int, dataset: str) -> str:
    """How a split of `count` images comes to hold every class."""
    if name == "test":
        return (
            "the data set's own test part lacks it: add test images (to test.npz where they "
            "are your own)"
        )
    change = "raise" if name == "validation" else "lower"
    more = "or add training images of it (to train.npz where they are your own)"
    return (
        f"{change} datasets.{dataset}.validation, which leaves {count} images to this split, {more}"
    )
