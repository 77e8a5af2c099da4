"""MNIST: handwritten digits, light on dark."""

from collections.abc import Mapping

from robustgen.data.formats.idx import read_pool
from robustgen.data.pool import Pool
from robustgen.data.sets.digits import NAMES

SOURCES: tuple[str, ...] = ("mnist",)
TRAIN_TEST = (60_000, 10_000)  # of training and of test, as published
SIZES = (28, 28)  # smallest and largest side in pixels
CHANNELS = 1
OPTIONS: dict[str, dict[str, object]] = {}
FOLDER = "MNIST/raw"


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """60,000 training and 10,000 test images from <root>/MNIST/raw, where torchvision puts them."""
    return read_pool(FOLDER, names=NAMES, data="mnist", size=size, root=root, options=options)
