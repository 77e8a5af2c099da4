"""Crops of photographs: listed first, so that they can be counted and chosen, and only then read
and resized.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.options import refuse_too_large
from robustgen.data.pool import TEST, TRAIN, Pool
from robustgen.data.root import must_exist

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom, as PIL has them
FORMATS = ("PPM", "JPEG", "PNG")  # no format whose reader starts programs


@dataclass(frozen=True)
class Crop:
    """A part of a photograph (the whole where box is None), with its class as the source calls it
    and its part of the pool.
    """

    path: Path
    key: str
    part: int
    box: Box | None = None


def measured(crops: Sequence[Crop], *, min_side: int) -> list[Crop]:
    """The crops cut to their photographs' edges, without those whose shorter side is below
    `min_side` or below one pixel.
    """
    boxes: dict[int, Box] = {}
    for path, places in by_photograph(crops).items():
        with opened(path) as photo:
            width, height = photo.size
        boxes |= {
            k: _cut(crops[k].box or (0, 0, width, height), width, height, path) for k in places
        }
    cut = [replace(crop, box=boxes[k]) for k, crop in enumerate(crops)]
    return [crop for crop in cut if _shorter_side(crop) >= max(min_side, 1)]


def in_both_parts(crops: Sequence[Crop], keys: Sequence[str]) -> list[str]:
    """The classes among `keys` that have training and test images."""
    there = {(crop.key, crop.part) for crop in crops}
    return [key for key in keys if {(key, TRAIN), (key, TEST)} <= there]


def to_pool(crops: Sequence[Crop], *, names: Mapping[str, str], size: int, data: str) -> Pool:
    """The crops of the classes in `names`, which maps a class to its name, as colour images of size
    x size pixels.
    """
    if lacking := sorted({*names} - {*in_both_parts(crops, [*names])}):
        which = ", ".join(names[key] for key in lacking)
        raise Refused(
            f"{data}: no training or no test images of {which}; lower min_side, or leave the "
            "class out."
        )
    if len(names) < 2:
        raise Refused(
            f"{data}: fewer than two classes have training and test images; lower min_side, or "
            "get the files again."
        )
    chosen = [crop for crop in crops if crop.key in names]
    refuse_too_large(len(chosen), size=size, per_pixel=3, data=data)
    place = {key: k for k, key in enumerate(names)}
    labels = np.array([place[crop.key] for crop in chosen], dtype=np.int64)
    part = np.array([crop.part for crop in chosen], dtype=np.uint8)
    return Pool(
        images=pixels(chosen, size=size), labels=labels, part=part, names=tuple(names.values())
    )


def pixels(crops: Sequence[Crop], *, size: int) -> NDArray[np.uint8]:
    """The crops, resized bilinearly, as [n,3,size,size]; each photograph is opened once."""
    from PIL.Image import Resampling

    images = np.empty((len(crops), 3, size, size), dtype=np.uint8)
    for path, places in by_photograph(crops).items():
        with opened(path) as photo:
            colour = photo.convert("RGB")
        for k in places:
            image = colour.crop(crops[k].box) if crops[k].box else colour
            images[k] = np.asarray(image.resize((size, size), Resampling.BILINEAR)).transpose(
                2, 0, 1
            )
    return images


def by_photograph(crops: Sequence[Crop]) -> dict[Path, list[int]]:
    """Photograph -> the places of its crops in the list."""
    found: dict[Path, list[int]] = {}
    for k, crop in enumerate(crops):
        found.setdefault(crop.path, []).append(k)
    return found


@contextmanager
def opened(path: Path) -> Iterator[Image]:
    """A photograph, refused where it is missing or cannot be read."""
    from PIL import Image

    must_exist(path, data="the list that names it")
    try:
        with Image.open(path, formats=FORMATS) as photo:
            yield photo
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(
            f"{path} is no readable image ({error}); delete it and get it again."
        ) from error


def _cut(box: Box, width: int, height: int, path: Path) -> Box:
    left, top, right, bottom = box
    if left >= width or top >= height or right < 0 or bottom < 0:
        raise Refused(
            f"{path} has {width} x {height} pixels, so no box {box}; get photographs and "
            "annotations again."
        )
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _shorter_side(crop: Crop) -> int:
    left, top, right, bottom = crop.box or (0, 0, 0, 0)
    return min(right - left, bottom - top)
