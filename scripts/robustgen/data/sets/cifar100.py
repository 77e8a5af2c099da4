"""CIFAR-100 with its hundred fine labels, from its python batches, read without executing what they
hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from robustgen.data.formats.batches import SIDE, read_batches
from robustgen.data.options import refuse_resizing, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool
from robustgen.data.root import root_of

SOURCES: tuple[str, ...] = ("cifar100",)
TRAIN_TEST = (50_000, 10_000)  # of training and of test, as published
SIZES = (32, 32)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS: dict[str, dict[str, object]] = {}
FOLDER = "cifar-100-python"
BATCHES = {"train": TRAIN, "test": TEST}
# fmt: off
NAMES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
)
# fmt: on


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """50,000 training and 10,000 test images from <root>/cifar-100-python, where torchvision puts
    them.
    """
    refuse_unknown(options, known=(), data="cifar100")
    refuse_resizing(size, native=SIDE, data="cifar100")
    folder = root_of(root, data="cifar100", holds=FOLDER) / FOLDER
    return read_batches(folder, BATCHES, labels="fine_labels", names=NAMES, data="CIFAR-100")
