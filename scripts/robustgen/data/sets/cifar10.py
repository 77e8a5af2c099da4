"""CIFAR-10 from its python batches, read without executing what they hold."""

from __future__ import annotations

from collections.abc import Mapping

from robustgen.data.formats.batches import SIDE, read_batches
from robustgen.data.options import read_choices, refuse_resizing, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool
from robustgen.data.root import root_of

SOURCES: tuple[str, ...] = ("cifar10",)
TRAIN_TEST = (50_000, 10_000)  # of training and of test, as published
SIZES = (32, 32)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "classes": {
        "several": True,
        "different": True,
        "one_of": (
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        "default": None,
        "means": "The classes that are kept, in this order; all where left out.",
    },
}
FOLDER = "cifar-10-batches-py"
BATCHES = {**{f"data_batch_{k}": TRAIN for k in range(1, 6)}, "test_batch": TEST}
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """50,000 training and 10,000 test images from <root>/cifar-10-batches-py, where torchvision
    puts them; a tenth of them for each class.
    """
    refuse_unknown(options, known=OPTIONS, data="cifar10")
    refuse_resizing(size, native=SIDE, data="cifar10")
    folder = root_of(root, data="cifar10", holds=FOLDER) / FOLDER
    pool = read_batches(folder, BATCHES, labels="labels", names=NAMES, data="CIFAR-10")
    chosen = options.get("classes") or NAMES
    return pool.of(read_choices(chosen, known=NAMES, name="cifar10: classes"))
