"""Data of your own, or any prepared set: <root>/<folder>/{train,test}.npz with the arrays `images`
and `labels`, and `masks` where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.formats.npz_hints import hint_of_images, hint_of_labels, listed, refuse_classes
from robustgen.data.options import read_text, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, join, refuse_black
from robustgen.data.root import must_exist, root_of

SOURCES: tuple[str, ...] = ()
OPTIONS = {
    "folder": {"means": "Folder below the data root that holds train.npz and test.npz."},
    "names": {
        "several": True,
        "default": None,
        "means": (
            "Names of the classes in the order of the labels; class 0 and so on where left out."
        ),
    },
}
PARTS = {"train": TRAIN, "test": TEST}
WRITE = "write it with numpy.savez(path, images=..., labels=...)"


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """All images, bytes [n,h,w,3] or [n,h,w]; labels are 0, 1, ...

    without a gap, the same classes in both parts.

    `options.names` lists the classes' names, else they are "class 0" and so on. `masks` are bytes
    [n,h,w], 1 on the object, in both files or in none.
    """
    refuse_unknown(options, known=("folder", "names"), data="npz")
    folder = read_text(options.get("folder"), name="npz: folder")
    base = root_of(root, data="npz", holds=folder, otherwise="") / folder
    way = f"{WRITE}, or set data.root and options.folder, which together name its folder"
    found = {
        path: read_part(must_exist(path, data="npz", way=way), size)
        for path in (base / f"{name}.npz" for name in PARTS)
    }
    if len({images.shape[1] for images, _ in found.values()}) > 1:
        raise Refused(f"{base}: one part is in colour and the other is not; prepare both alike.")
    classes = refuse_classes({path: labels for path, (_, labels) in found.items()})
    names = _names(options.get("names"), classes, base)
    masks = read_masks({path: images for path, (images, _) in found.items()}, base)
    return join([*found.values()], parts=PARTS.values(), names=names, masks=masks)


def read_part(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images [n,c,size,size] and labels [n] of one file."""
    images, labels = _arrays(path)
    if (
        images.dtype != np.uint8
        or images.ndim not in (3, 4)
        or images.shape[3:] not in ((), (3,))
        or not images.size
    ):
        shown = f"{images.dtype} {list(images.shape)}{hint_of_images(images)}"
        raise Refused(f"{path}: images must be uint8 [n,h,w,3] or [n,h,w], not {shown}.")
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        wanted, shown = (
            f"{len(images)} whole numbers, one for each image",
            (f"{labels.dtype} {list(labels.shape)}"),
        )
        raise Refused(
            f"{path}: labels must be {wanted}, not {shown}{hint_of_labels(labels, len(images))}."
        )
    height, width = images.shape[1:3]
    if not height == width == size:
        way = f"prepare them as {size} x {size}" + (
            f", or set the data set's size to {width}" if height == width else ""
        )
        raise Refused(
            f"{path} has images of {height} x {width} pixels, which are not resized; {way}."
        )
    refuse_black(images, where=f"{path}: images")
    channels = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(channels), _whole(labels, path)


def read_masks(images: Mapping[Path, NDArray[np.uint8]], base: Path) -> list[NDArray[np.uint8]]:
    """The masks [n,size,size] that stand beside each file's images; none where no file has any."""
    held = {path: _masks(path) for path in images}
    there = {path: masks for path, masks in held.items() if masks is not None}
    if there and len(there) < len(held):
        raise Refused(f"{base}: one part has masks and the other has none; give both, or neither.")
    for path, masks in there.items():
        count, _, height, width = images[path].shape
        fine = masks.dtype in (np.uint8, np.bool_) and masks.shape == (count, height, width)
        if not fine or masks.max() > 1:
            raise Refused(
                f"{path}: masks must be uint8 {[count, height, width]} of 0 and 1, 1 on the "
                f"object; these are {masks.dtype} {list(masks.shape)}, so write (masks > 0)"
                ".astype(np.uint8), each of the size of its image."
            )
    return [masks.astype(np.uint8) for masks in there.values()]


def _masks(path: Path) -> NDArray[np.generic] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["masks"] if "masks" in file.files else None
    except Exception as error:  # a damaged file may raise nearly anything
        raise Refused(f"{path} has no plain array masks ({error}); {WRITE}.") from error


def _whole(labels: NDArray[np.generic], path: Path) -> NDArray[np.int64]:
    """The labels as int64, into which the largest of uint64 do not fit."""
    if int(labels.max()) > np.iinfo(np.int64).max:
        raise Refused(
            f"{path}: labels start at 0, these are {listed(labels)}; number the classes from 0 on."
        )
    return labels.astype(np.int64)


def _arrays(path: Path) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """`images` and `labels` as they stand in the file; objects, which could run code, are never
    restored.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["images"], file["labels"]
    except Exception as error:  # a damaged file may raise nearly anything
        raise Refused(
            f"{path} is no .npz file with the plain arrays images and labels ({error}); {WRITE}."
        ) from error


def _names(given: object, classes: int, base: Path) -> tuple[str, ...]:
    if given is None:
        return tuple(f"class {k}" for k in range(classes))
    if not isinstance(given, list | tuple):
        raise Refused(f"npz: names must be a list of the classes' names, not {given!r}.")
    if len(given) != classes:
        raise Refused(
            f"npz: names lists {len(given)} classes, the labels in {base} have {classes}; give "
            "each class one name."
        )
    return tuple(given)
