"""What is wrong with arrays of your own, and how numpy repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused

SHOWN = 8  # classes that a sentence lists


def hint_of_images(images: NDArray[np.generic]) -> str:
    """How images of another type or shape are brought into form; empty where only their maker
    knows.
    """
    if not images.size:
        return ": there is no image"
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        way = "images[:, 0]" if images.shape[1] == 1 else "images.transpose(0, 2, 3, 1)"
        return f": the channels come last, so write {way}{_and_bytes(images)}"
    if images.ndim == 4 and images.shape[3] in (1, 4):
        way = "images[..., 0]" if images.shape[3] == 1 else "images[..., :3]"
        return (
            ": images have three channels, or none where they are grey, so write "
            f"{way}{_and_bytes(images)}"
        )
    return f": write {way}" if (way := _to_bytes(images)) else _unfit_values(images)


def hint_of_labels(labels: NDArray[np.generic], count: int) -> str:
    """How labels of another type or shape become whole numbers; empty where only their
    maker knows.
    """
    if len(labels.shape) == 2 and labels.shape[0] == count:
        return f": write {'labels[:, 0]' if labels.shape[1] == 1 else 'labels.argmax(axis=1)'}"
    if labels.shape != (count,):
        return ""
    if labels.dtype.kind in "US":
        return (
            ": write np.unique(labels, return_inverse=True)[1], and the names in their sorted "
            "order as options.names"
        )
    return ": write labels.astype(np.int64)" if labels.dtype.kind in "fb" else ""


def refuse_classes(labels: Mapping[Path, NDArray[np.int64]]) -> int:
    """The number of classes, refused unless they are 0, 1, ...

    without a gap, at least two, the same in every file.
    """
    classes = {path: np.unique(some) for path, some in labels.items()}
    whole, where = (
        np.unique(np.concatenate([*classes.values()])),
        " and ".join(str(path) for path in classes),
    )
    if whole[0] != 0:
        way = f"subtract {whole[0]}" if whole[0] > 0 else "number the classes from 0 on"
        raise Refused(f"{where}: labels start at 0, these are {listed(whole)}; {way}.")
    if whole[-1] != len(whole) - 1:
        way = (
            f"number the {len(whole)} classes 0 to {len(whole) - 1}: np.unique(labels, "
            "return_inverse=True)[1]"
        )
        raise Refused(
            f"{where}: labels have no gap, these are {listed(whole)}; {way}, over both files "
            "together."
        )
    if len(whole) < 2:
        raise Refused(
            f"{where}: all images have the label 0; a data set needs at least two classes."
        )
    if any(len(some) < len(whole) for some in classes.values()):
        each = ", ".join(f"{path} has {listed(some)}" for path, some in classes.items())
        raise Refused(
            f"Both parts need images of every class, but {each}; add images, or leave those "
            "classes out."
        )
    return len(whole)


def listed(labels: NDArray[np.generic]) -> str:
    """The different labels: as a range where none is left out, else one by one, the first few and
    the last.
    """
    values = [int(value) for value in np.unique(labels)]
    if len(values) > 1 and values[-1] - values[0] == len(values) - 1:
        return f"{values[0]} to {values[-1]}"
    shown = values if len(values) <= SHOWN else [*values[: SHOWN - 1], "...", values[-1]]
    return ", ".join(str(value) for value in shown)


def _and_bytes(images: NDArray[np.generic]) -> str:
    way = _to_bytes(images)
    return f" and then {way}" if way else ""


def _to_bytes(images: NDArray[np.generic]) -> str:
    """The expression that makes bytes of pixels; empty where they are bytes, or where their values
    fit no image.
    """
    if images.dtype == np.uint8 or images.dtype.kind not in "buif" or _unfit_values(images):
        return ""
    return (
        "np.rint(images * 255.0).astype(np.uint8)"
        if images.max() <= 1
        else ("np.rint(images).astype(np.uint8)")
    )


def _unfit_values(images: NDArray[np.generic]) -> str:
    if images.dtype.kind not in "buif" or images.dtype == np.uint8:
        return ""
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return ": they hold NaN or infinity, fix that first"
    return (
        ""
        if low >= 0 and high <= 255
        else (f": they lie in [{low:.4g}, {high:.4g}], undo their normalisation first")
    )
