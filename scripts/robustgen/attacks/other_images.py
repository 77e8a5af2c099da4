"""Images of another data set in the place of the given ones, as a detector or a classifier may meet
them: no attack, and no label is right.

They come from the split of the same name, in a fixed random order, so that no image is used twice
and every model meets the same ones. Grey images are repeated to three channels, colour ones become
their luminance (0.299 R + 0.587 G + 0.114 B), and sizes are fitted by bilinear interpolation, with
antialiasing where images shrink.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.core.seeds import numpy_generator
from robustgen.data.store import check_images, read_split, to_float

BALL = False  # they lie anywhere
TAKES = ()
NEEDS = ("place",)  # (split, start): where the batch lies
OPTIONS = {
    "dataset": {
        "type": "dataset",
        "means": "The data set whose images are shown.",
    },
}
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """Images of the data set in the folder `dataset`, in the form of the given ones."""
    check_images(images)
    options = accepted("other_images", spec).options
    if "place" not in options:
        raise Refused(
            "Kind other_images must know where the batch lies; hand it options place, such as "
            '("test", 0).'
        )
    split, start = options["place"]
    found = _ordered(str(options["dataset"]), split)
    chosen = found[start : start + len(images)]
    if len(chosen) < len(images):
        raise Refused(
            f"{options['dataset']} has {len(found)} images in its split {split}, and at least "
            f"{start + len(images)} are needed so that none is shown twice; lower `images` of the "
            "attack, or `evaluate`."
        )
    return Attacked(formed(to_float(torch.from_numpy(chosen)).to(images), images.shape[1:]))


@lru_cache(maxsize=2)  # of a job: validation and test
def _ordered(folder: str, split: str) -> np.ndarray:
    """All images of a split, uint8 [n,c,h,w], in the fixed random order."""
    try:
        images = read_split(folder, split).images
    except KeyError as error:
        raise Refused(
            f"{folder} has no split {split}; name a data set that has one, or attack other splits."
        ) from error
    return images[numpy_generator(0, use="other_images", split=split).permutation(len(images))]


def formed(x: Tensor, shape: torch.Size) -> Tensor:
    """Images [n,c,h,w] in the form [c,h,w] of others."""
    x = _channels(x, shape[0])
    if x.shape[2:] == shape[1:]:
        return x
    size = list(shape[1:])
    return interpolate(x, size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def _channels(x: Tensor, channels: int) -> Tensor:
    if x.shape[1] == channels:
        return x
    if x.shape[1] == 1:
        return x.repeat(1, channels, 1, 1)
    weights = x.new_tensor(LUMINANCE).reshape(1, -1, 1, 1)
    return (x * weights).sum(dim=1, keepdim=True).clamp(0, 1)
