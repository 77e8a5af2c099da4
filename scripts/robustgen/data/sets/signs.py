"""Ten kinds of traffic sign in made-up street scenes, drawn by a seeded generator, in colour and at
any size, with masks of the boards.

Image i of a part depends on the part and on i only, not on how many are asked for. Every ten
consecutive images hold each class once. Behind the signs stand crops of the two photographs that
come with scikit-learn.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.options import refuse_too_large
from robustgen.data.pool import TEST, TRAIN, Pool, read_count, read_counts
from robustgen.data.signs.boards import NAMES, templates
from robustgen.data.signs.camera import render

SOURCES: tuple[str, ...] = ()
TRAIN_TEST = (6_000, 2_000)  # of training and of test, unless options say otherwise
SIZES = (16, None)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "train": {
        "type": "whole number",
        "least": 0,
        "default": 7000,
        "means": "Training images, the validation images among them.",
    },
    "test": {"type": "whole number", "least": 0, "default": 2000, "means": "Test images."},
}
COUNTS = {"train": 7000, "test": 2000}
SEED = 2023
LEAST_SIZE = 16
CHUNK_PIXELS = 65536


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """As many training and test images as `options` say, in colour, size x size; nothing is read
    from `root`.
    """
    counts = read_counts(options, known=COUNTS, data="signs")
    read_count(size, name="signs: size", least=LEAST_SIZE)
    if not any(counts.values()):
        raise Refused("signs: train and test are both 0; ask for at least one image.")
    refuse_too_large(sum(counts.values()), size=size, per_pixel=3, data="signs")
    parts = np.repeat(np.array([TRAIN, TEST], dtype=np.uint8), [counts["train"], counts["test"]])
    labels = np.concatenate(
        [draw_labels(counts["train"], part=TRAIN), draw_labels(counts["test"], part=TEST)]
    )
    places = np.concatenate([np.arange(counts["train"]), np.arange(counts["test"])])
    images, masks = draw_images(parts, places, labels, size=size)
    return Pool(images=images, labels=labels, part=parts, names=NAMES, masks=masks)


def draw_labels(count: int, *, part: int) -> NDArray[np.int64]:
    """One random order of the ten classes after another."""
    kinds = len(NAMES)
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence((SEED, part))))
    order = stream.random((-(-count // kinds), kinds)).argsort(axis=1, kind="stable")
    return order.reshape(-1)[:count].astype(np.int64)


def draw_images(
    parts: NDArray[np.uint8], places: NDArray[np.int64], labels: NDArray[np.int64], *, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images [n,3,size,size] and their masks [n,size,size], a chunk at a time so that each
    stays in the processor's cache.
    """
    flat, photos = templates(), load_photos()
    images = np.empty((len(labels), 3, size, size), dtype=np.uint8)
    masks = np.empty((len(labels), size, size), dtype=np.uint8)
    step = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(labels), step):
        chunk = slice(start, start + step)
        seeds = [
            (SEED, int(part), int(place))
            for part, place in zip(parts[chunk], places[chunk], strict=True)
        ]
        shots = render(seeds, labels[chunk], templates=flat, photos=photos, size=size)
        images[chunk] = np.rint(shots.pictures * 255.0).astype(np.uint8).transpose(0, 3, 1, 2)
        masks[chunk] = shots.masks
    return images, masks


def load_photos() -> NDArray[np.float64]:
    """The two photographs bundled with scikit-learn as [2,427,640,3] in [0,1]."""
    from sklearn.datasets import load_sample_images

    return np.stack(load_sample_images().images) / 255.0
