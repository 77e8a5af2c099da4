"""Data of your own, or any prepared set: <root>/<folder>/{train,test}.npz with the arrays `images` and `labels`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.options import read_text, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, join
from robustgen.data.root import must_exist, root_of

SOURCES: tuple[str, ...] = ()
OPTIONS = {
    "folder": {"means": "Folder below the data root that holds train.npz and test.npz."},
    "names": {
        "several": True,
        "default": None,
        "means": "Names of the classes in the order of the labels; class 0 and so on where left out.",
    },
}
PARTS = {"train": TRAIN, "test": TEST}


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """All images, bytes [n,h,w,3] or [n,h,w]; `options.names` lists the classes' names, else they are "class 0" and so on."""
    refuse_unknown(options, known=("folder", "names"), data="npz")
    folder = read_text(options.get("folder"), name="npz: folder")
    base = root_of(root, data="npz", holds=folder) / folder
    found = [read_part(must_exist(base / f"{name}.npz", data="npz"), size) for name in PARTS]
    if len({images.shape[1] for images, _ in found}) > 1:
        raise Refused(f"{base}: one part is in colour and the other is not; prepare both alike.")
    return join(found, parts=PARTS.values(), names=_names(options.get("names"), [labels for _, labels in found]))


def read_part(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images [n,c,size,size] and labels [n] of one file."""
    images, labels = _arrays(path)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)) or not len(images):
        raise Refused(f"{path}: images must be uint8 [n,h,w,3] or [n,h,w], not {images.dtype} {list(images.shape)}.")
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        wanted = f"{len(images)} whole numbers, one for each image"
        raise Refused(f"{path}: labels must be {wanted}, not {labels.dtype} {list(labels.shape)}.")
    height, width = images.shape[1:3]
    if not height == width == size:
        raise Refused(f"{path} has images of {height} x {width} pixels, which are not resized; prepare them as {size} x {size}.")
    channels = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(channels), labels.astype(np.int64)


def _arrays(path: Path) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """`images` and `labels` as they stand in the file; objects, which could run code, are never restored."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["images"], file["labels"]
    except Exception as error:  # a damaged file may raise nearly anything
        what = "is no .npz file with the plain arrays images and labels"
        raise Refused(f"{path} {what} ({error}); write it with numpy.savez(path, images=..., labels=...).") from error


def _names(given: object, labels: list[NDArray[np.int64]]) -> tuple[str, ...]:
    if given is None:
        return tuple(f"class {k}" for k in range(max(int(some.max()) for some in labels) + 1))
    if not isinstance(given, list | tuple):
        raise Refused(f"npz: names must be a list of the classes' names, not {given!r}.")
    return tuple(given)
