"""The test images of which MAGIC makes others, with their masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.data.store import Images

GREY = ("1", "L")  # modes of PNG images with one channel without a palette


def sources(images: Images, options: Mapping[str, Any]) -> Images:
    """The first `sources` test images of the classes asked for, with masks that are not empty: of
    the data set, or of the files `<index>.png` in the folder `masks`.
    """
    images = _of_classes(images, options["classes"])
    if options["masks"] is not None:
        images = _enough(images, options["sources"])
        files = [Path(options["masks"]) / f"{index}.png" for index in images.index]
        masks = [read_mask(path, images.images.shape[-1]) for path in files]
        return replace(images, masks=np.stack(masks))
    if images.masks is None:
        raise Refused(
            "MAGIC needs masks, which this data set has not: name in options.masks the folder of "
            "its masks, files <index>.png of test images, or measure on signs."
        )
    there = images.masks.any(axis=(1, 2))
    return _enough(images.at(np.flatnonzero(there)), options["sources"])


def read_mask(path: Path, side: int) -> np.ndarray:
    """The mask uint8 [side,side] in a PNG file: 0 beside the object, one other value on it."""
    values = _read(path)
    if values.shape != (side, side):
        raise Refused(
            f"{path} has {values.shape[1]} x {values.shape[0]} pixels, the images have {side} x "
            f"{side}; draw the mask on the image at its own size."
        )
    if len(found := np.unique(values)) > 2 or (len(found) == 2 and found[0] != 0):
        raise Refused(
            f"{path} holds {len(found)} values, {found[0]} to {found[-1]}; a mask has two, 0 "
            "beside the object and 255 on it."
        )
    if not values.any():
        raise Refused(f"{path} is empty: no pixel lies on the object; draw it in white on black.")
    return (values > 0).astype(np.uint8)


def _read(path: Path) -> np.ndarray:
    """The grey values of a PNG file."""
    from PIL import Image

    if not path.is_file():
        raise Refused(
            f"{path} is missing; each of the first test images needs its mask there, or ask for "
            "fewer `sources`."
        )
    try:
        with Image.open(path, formats=("PNG",)) as file:
            mode, values = file.mode, np.asarray(file.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(f"{path} is no readable PNG ({error}); write it again.") from error
    if mode not in GREY:
        raise Refused(f"{path} is in colour ({mode}); write the mask as a grey PNG of 0 and 255.")
    return values


def _of_classes(images: Images, chosen: Sequence[int]) -> Images:
    """The images of these classes alone; all where none is named."""
    if not chosen:
        return images
    if beyond := [k for k in chosen if k >= len(images.names)]:
        raise Refused(
            f"There is no class {beyond[0]}; the data set has classes 0 to "
            f"{len(images.names) - 1}. Change the option classes."
        )
    return images.at(np.flatnonzero(np.isin(images.labels, chosen)))


def _enough(images: Images, count: int) -> Images:
    if len(images) < count:
        raise Refused(
            f"{count} sources were asked for and {len(images)} test images can be one; lower "
            "`sources` of the measure, or raise datasets.*.evaluate.test."
        )
    return images.at(slice(count))
