"""Batches of CIFAR-10 and CIFAR-100: pickles of plain values and one array, read without executing
what they hold.

Not even numpy's own functions are called, for a pickle hands them what it likes: numpy.ndarray
accepts a buffer of made-up addresses as an array of objects. Stand-ins take what is handed to them;
the bytes become an array only here.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.pool import Pool, join
from robustgen.data.root import must_exist

SIDE, CHANNELS = 32, 3
ROW = CHANNELS * SIDE * SIDE


class Held:
    """Stands in for an array or a dtype: keeps what the file hands to it."""

    def __init__(self, *handed: object) -> None:
        self.handed = handed
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


SAFE = {  # all that the official files name; anything else is refused
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),  # its name since numpy 2
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class Reader(pickle.Unpickler):
    """An unpickler that knows plain values and stand-ins for arrays, so that a doctored file cannot
    run code.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return Held


def read_batches(
    folder: Path, parts: Mapping[str, int], *, labels: str, names: tuple[str, ...], data: str
) -> Pool:
    """All images of the batches named in `parts`, which says to what part each belongs."""
    found = [
        read_batch(folder / name, labels=labels, classes=len(names), data=data) for name in parts
    ]
    return join(found, parts=parts.values(), names=names)


def read_batch(
    path: Path, *, labels: str, classes: int, data: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images [n,3,32,32] of a batch and its labels, which stand there under the key
    `labels`.
    """
    try:
        found = _unpickle(must_exist(path, data=data))
        images = _images(found.get(b"data"))
        return images, _labels(
            found.get(labels.encode()), count=len(images), classes=classes, key=labels
        )
    except pickle.UnpicklingError as error:
        raise Refused(
            f"{path} is not an official batch of {data} ({error}); delete it and get it again."
        ) from error


def _unpickle(path: Path) -> dict[object, object]:
    try:
        with path.open("rb") as file:
            found = Reader(file, encoding="bytes").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, dict):
        raise pickle.UnpicklingError(f"it holds {type(found).__name__}, no dictionary")
    return found


def _images(held: object) -> NDArray[np.uint8]:
    """The array that numpy would restore from (version, shape, dtype, in Fortran's order?,
    bytes).
    """
    match held:
        case Held(
            state=(_, (int(count), int(row)), Held(handed=(b"u1" | "u1", *_)), 0, bytes(pixels))
        ):
            if row == ROW and count > 0 and len(pixels) == count * ROW:
                return np.frombuffer(pixels, dtype=np.uint8).reshape(count, CHANNELS, SIDE, SIDE)
    raise pickle.UnpicklingError(f"its data are no array of bytes with rows of {ROW}")


def _labels(held: object, *, count: int, classes: int, key: str) -> NDArray[np.int64]:
    if (
        isinstance(held, list)
        and len(held) == count
        and all(type(k) is int and 0 <= k < classes for k in held)
    ):
        return np.array(held, dtype=np.int64)
    raise pickle.UnpicklingError(
        f"its {key} are no list of {count} whole numbers from 0 to {classes - 1}"
    )
