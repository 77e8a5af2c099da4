"""A pool: every labelled image that a data set offers, before anything is split, shuffled or
resized.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustgen.core.contracts import Broken
from robustgen.core.refusal import Refused
from robustgen.core.values import form
from robustgen.data.options import refuse_unknown

TRAIN, TEST = 0, 1


@dataclass(frozen=True)
class Pool:
    """The images of a data set with their labels, the part that the data set itself assigns, and
    the class names.
    """

    images: NDArray[np.uint8]  # [n,c,h,w]
    labels: NDArray[np.int64]  # [n], positions in names
    part: NDArray[np.uint8]  # [n], TRAIN or TEST
    names: tuple[str, ...]
    masks: NDArray[np.uint8] | None = None  # [n,h,w], 1 on the object; none where not known

    def __post_init__(self) -> None:
        """Refuse, with one sentence, anything that later stages could misread."""
        _refuse_array("images", self.images, dtype=np.uint8, dimensions=4)
        _refuse_array("labels", self.labels, dtype=np.int64, dimensions=1)
        _refuse_array("part", self.part, dtype=np.uint8, dimensions=1)
        _refuse_lengths(self)
        _refuse_names(self.names)
        _refuse_values(
            "labels",
            self.labels,
            limit=len(self.names),
            meaning=("the positions of the class names"),
        )
        _refuse_values("part", self.part, limit=2, meaning="0 (train) and 1 (test)")
        if self.masks is not None:
            _refuse_masks(self.masks, self.images)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def of(self, names: Sequence[str]) -> Pool:
        """The images of these classes alone, whose labels follow the order of the names."""
        if tuple(names) == self.names:
            return self
        place = np.full(len(self.names), -1)
        place[[self.names.index(name) for name in names]] = np.arange(len(names))
        labels = place[self.labels]
        kept = labels >= 0
        masks = None if self.masks is None else self.masks[kept]
        return Pool(self.images[kept], labels[kept], self.part[kept], tuple(names), masks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of the pool's file, masks among them where there are any."""
        found: dict[str, NDArray[Any]] = {"images": self.images, "labels": self.labels}
        found["part"] = self.part
        return found if self.masks is None else {**found, "masks": self.masks}

    @property
    def sha256(self) -> str:
        """The SHA-256 of names, shapes and values, masks left out, in hexadecimal digits."""
        state = hashlib.sha256(repr((self.names, self.images.shape)).encode())
        for array in (self.images, self.labels.astype("<i8"), self.part):
            state.update(array.tobytes())
        return state.hexdigest()


def join(
    found: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]],
    *,
    parts: Iterable[int],
    names: tuple[str, ...],
    masks: Sequence[NDArray[np.uint8]] = (),
) -> Pool:
    """One pool of the images and labels of several files, each of which belongs to one part, and
    of their masks where there are any.
    """
    part = np.repeat(np.array([*parts], dtype=np.uint8), [len(labels) for _, labels in found])
    images, labels = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    joined = np.concatenate(masks) if masks else None
    return Pool(images=images, labels=labels, part=part, names=names, masks=joined)


def checked(found: object) -> Pool:
    """What a data module returned, refused unless it is a pool whose every class has training and
    test images.
    """
    if not isinstance(found, Pool):
        raise Broken(
            "load must return robustgen.data.pool.Pool(images, labels, part, names), not "
            f"{form(found)}."
        )
    refuse_black(found.images, where="its images")
    for part, name in ((TRAIN, "training"), (TEST, "test")):
        counts = np.bincount(found.labels[found.part == part], minlength=len(found.names))
        if lacking := [found.names[k] for k in np.flatnonzero(counts == 0)]:
            way = "add some to its files, ask for more in its options, or leave the class out"
            raise Broken(f"it gives no {name} images of {', '.join(lacking)}; {way}.")
    return found


def refuse_black(images: NDArray[Any], *, where: str) -> None:
    """Refuse images without a value above 1: someone has made bytes of floats in [0,1]."""
    if images.max() <= 1:
        raise Broken(
            f"{where} hold no value above 1, so that all are black; multiply them by 255 "
            "before they become uint8."
        )


def read_counts(
    options: Mapping[str, object], *, known: Mapping[str, int], data: str
) -> dict[str, int]:
    """The whole numbers in `options`, with defaults from `known`, refusing every other key and
    value.
    """
    refuse_unknown(options, known=known, data=data)
    return {
        key: read_count(options.get(key, default), name=f"{data}: {key}")
        for key, default in known.items()
    }


def read_count(value: object, *, name: str, least: int = 0) -> int:
    """The given whole number, refused unless it is at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Refused(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return value


def _refuse_array(name: str, array: object, *, dtype: type, dimensions: int) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != dimensions:
        found = (
            f"{array.dtype} with {array.ndim}"
            if isinstance(array, np.ndarray)
            else type(array).__name__
        )
        raise Refused(
            f"A pool's {name} must be {np.dtype(dtype)} with {dimensions} axes, not {found}."
        )
    if array.size == 0:
        raise Refused(f"A pool's {name} must not be empty; shape {array.shape} holds nothing.")


def _refuse_lengths(pool: Pool) -> None:
    lengths = [len(pool.images), len(pool.labels), len(pool.part)]
    if len(set(lengths)) > 1:
        raise Refused(
            "A pool needs one label and one part for each image; images, labels, part number "
            f"{lengths}."
        )
    if pool.images.shape[1] not in (1, 3):
        raise Refused(
            "A pool's images must have 1 or 3 channels on their second axis, not "
            f"{pool.images.shape[1]}."
        )


def _refuse_names(names: object) -> None:
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        raise Refused(f"A pool's names must be a tuple of non-empty strings, not {names!r}.")
    if len(names) < 2 or len(set(names)) < len(names):
        raise Refused(f"A pool needs at least two classes with different names, not {names!r}.")


def _refuse_masks(masks: NDArray[np.uint8], images: NDArray[np.uint8]) -> None:
    _refuse_array("masks", masks, dtype=np.uint8, dimensions=3)
    count, _, height, width = images.shape
    if masks.shape != (count, height, width):
        raise Refused(
            f"A pool's masks must have the shape {[count, height, width]}, one of each image's "
            f"size, not {list(masks.shape)}."
        )
    _refuse_values("masks", masks, limit=2, meaning="0 (beside the object) and 1 (on it)")


def _refuse_values(name: str, array: NDArray[np.integer], *, limit: int, meaning: str) -> None:
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= limit:
        raise Refused(
            f"A pool's {name} must be {meaning}, 0 to {limit - 1}; found {low} to {high}."
        )
