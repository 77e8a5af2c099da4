"""Handwritten digits: the 1,797 real 8x8 images that come with scikit-learn, enlarged.

The images are the test half of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak
1998, UCI): light strokes on a dark ground, values 0 to 16. As distributed they have no test set of
their own, so we fix one: 50 images of each class, chosen once by a seeded draw, are the test part
(500) and all others the train part (1,297).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from robustgen.data.options import refuse_too_large
from robustgen.data.pool import TEST, TRAIN, Pool, read_count, read_counts

SOURCES: tuple[str, ...] = ()
TRAIN_TEST = (1_297, 500)  # of training and of test, unless options say otherwise
SIZES = (8, None)  # smallest and largest side in pixels
CHANNELS = 1
OPTIONS: dict[str, dict[str, object]] = {}
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEST_PER_CLASS = 50
SEED = 1797
SIDE, FULL = 8, 16.0
ENLARGING = 32  # bytes that a pixel takes meanwhile: four numbers


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """All digits as one channel of size x size pixels; nothing is read from `root`."""
    from sklearn.datasets import load_digits

    read_counts(options, known={}, data="digits")
    read_count(size, name="digits: size", least=SIDE)
    raw = load_digits()
    refuse_too_large(len(raw.images), size=size, per_pixel=ENLARGING, data="digits")
    labels = raw.target.astype(np.int64)
    images = to_bytes(enlarge(raw.images / FULL, size=size))
    return Pool(images=images[:, None], labels=labels, part=choose_part(labels), names=NAMES)


def choose_part(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """TEST for the 50 images of each class that come first in a fixed random order, TRAIN for the
    rest.
    """
    order = np.random.Generator(np.random.PCG64(SEED)).random(len(labels)).argsort(kind="stable")
    part = np.full(len(labels), TRAIN, dtype=np.uint8)
    for label in range(len(NAMES)):
        part[order[labels[order] == label][:TEST_PER_CLASS]] = TEST
    return part


def enlarge(images: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """Bicubic enlargement of [n,h,w] to [n,size,size], repeating the outermost pixels beyond the
    edge.
    """
    return _enlarge_rows(_enlarge_rows(images, size=size).swapaxes(1, 2), size=size).swapaxes(1, 2)


def to_bytes(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Values in [0,1], clipped, as whole numbers 0 to 255."""
    return np.rint(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)


def _enlarge_rows(images: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """Bicubic enlargement of the second axis: a weighted sum of the four nearest rows."""
    rows = images.shape[1]
    place = (np.arange(size) + 0.5) * rows / size - 0.5
    first = np.floor(place).astype(np.int64)
    result = np.zeros((len(images), size, images.shape[2]))
    for tap in (-1, 0, 1, 2):
        weight = keys_kernel(np.abs(place - first - tap))
        result += weight[None, :, None] * images[:, np.clip(first + tap, 0, rows - 1)]
    return result


def keys_kernel(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic at distance t: 1.5t^3 - 2.5t^2 + 1 up to 1, then -0.5t^3 + 2.5t^2 - 4t + 2 up to
    2.
    """
    near = (1.5 * t - 2.5) * t * t + 1.0
    far = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return np.where(t <= 1.0, near, far)
