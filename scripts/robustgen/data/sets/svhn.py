"""SVHN: house numbers' digits cropped to 32 x 32, from its MATLAB files (version 5)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.formats.mat5 import read_arrays
from robustgen.data.options import read_choices, refuse_resizing, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, join
from robustgen.data.root import must_exist, root_of
from robustgen.data.sets.digits import NAMES

SOURCES: tuple[str, ...] = ("svhn",)
TRAIN_TEST = (73_257, 26_032)  # of training and of test, as published
FURTHER: tuple[str, ...] = ("svhn_extra",)
SIZES = (32, 32)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "sources": {
        "one_of": ("svhn", "svhn_extra"),
        "several": True,
        "holds": "svhn",
        "default": ("svhn",),
        "means": "Downloads; svhn_extra adds 531,131 easier training images.",
    },
}
FILES = {
    "svhn": {"train_32x32.mat": TRAIN, "test_32x32.mat": TEST},
    "svhn_extra": {"extra_32x32.mat": TRAIN},
}
SIDE = 32
ZERO = 10  # the files' label of the digit 0


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """73,257 training and 26,032 test images from files that lie in <root> itself, where
    torchvision puts them.

    The 531,131 easier images of the extra part join the training part where `options.sources` is
    [svhn, svhn_extra].
    """
    refuse_unknown(options, known=("sources",), data="svhn")
    refuse_resizing(size, native=SIDE, data="svhn")
    sources = read_choices(options.get("sources", ["svhn"]), known=[*FILES], name="svhn: sources")
    if "svhn" not in sources:
        raise Refused("svhn: sources must name svhn, which alone has test images; add it.")
    folder = root_of(root, data="svhn", holds="train_32x32.mat and test_32x32.mat")
    files = {
        name: part
        for source, names in FILES.items()
        if source in sources
        for name, part in names.items()
    }
    found = [read_images(must_exist(folder / name, data="svhn")) for name in files]
    return join(found, parts=files.values(), names=NAMES)


def read_images(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images [n,3,32,32] that stand in `path` as X [32,32,3,n], and its labels y with 10 read
    as the digit 0.
    """
    found = read_arrays(path)
    images, labels = _checked(found.get("X"), found.get("y"), path)
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels % ZERO


def _checked(
    images: NDArray[Any] | None, labels: NDArray[Any] | None, path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if (
        images is None
        or images.dtype != np.uint8
        or images.shape[:-1] != (SIDE, SIDE, 3)
        or not images.size
    ):
        raise Refused(
            f"{path} holds no X of bytes with the shape [{SIDE},{SIDE},3,n]; delete it and get "
            "it again."
        )
    count = images.shape[-1]
    if labels is None or labels.dtype.kind not in "uif" or labels.shape != (count, 1):
        raise Refused(
            f"{path} holds no y with one number for each of the {count} images; delete it and "
            "get it again."
        )
    if not np.isin(labels, range(1, ZERO + 1)).all():
        raise Refused(
            f"{path}: y must hold whole numbers from 1 to {ZERO} only; delete it and get it again."
        )
    return images, labels[:, 0].astype(np.int64)
