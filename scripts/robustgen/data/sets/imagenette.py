"""Imagenette from its folders of JPEG files, centre-cropped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.data.formats.crops import opened
from robustgen.data.options import read_text, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, read_count
from robustgen.data.root import root_of

SOURCES: tuple[str, ...] = ("imagenette_160",)
TRAIN_TEST = (9_469, 3_925)  # of training and of test, as published
SIZES: tuple[int, int | None] = (1, None)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "folder": {"default": "imagenette2-160", "means": "Folder of the images below the data root."},
}
FOLDER = "imagenette2-160"
PARTS = {"train": TRAIN, "val": TEST}
CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """All training and validation images of <root>/imagenette2-160 (or options.folder),
    centre-cropped to size x size.
    """
    refuse_unknown(options, known=("folder",), data="imagenette")
    read_count(size, name="imagenette: size", least=1)
    folder = read_text(options.get("folder", FOLDER), name="imagenette: folder")
    base = root_of(root, data="imagenette", holds=folder) / folder
    files = [
        (path, k, part)
        for name, part in PARTS.items()
        for k, wnid in enumerate(CLASSES)
        for path in _files(base / name / wnid)
    ]
    _refuse_padding([path for path, _, _ in files], size, base)
    images = np.stack([_crop(path, size) for path, _, _ in files])
    labels, part = (
        np.array([k for _, k, _ in files], dtype=np.int64),
        np.array([p for _, _, p in files], dtype=np.uint8),
    )
    return Pool(images=images, labels=labels, part=part, names=tuple(CLASSES.values()))


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.JPEG"))
    if not found:
        raise Refused(
            f"{folder} holds no .JPEG file; put them there, or set data.root or ROBUSTGEN_DATA to "
            "the folder that holds them."
        )
    return found


def _refuse_padding(paths: list[Path], size: int, base: Path) -> None:
    """Refuse a size for which most images would be padded; a few in the official folder are smaller
    than all others.
    """
    sides = []
    for path in paths:
        with opened(path) as file:
            sides.append(min(file.size))
    if size > (most := sorted(sides)[len(sides) // 2]):
        have = f"most images in {base} have a shorter side of at most {most} pixels"
        raise Refused(
            f"imagenette: {have}, which crops of {size} pixels would pad with black; set size "
            f"to {most} or less."
        )


def _crop(path: Path, size: int) -> np.ndarray:
    """The centre of an image as uint8 [3,size,size]; a smaller image is padded with zeros, as
    torchvision's crop does.
    """
    with opened(path) as file:
        pixels = np.asarray(file.convert("RGB"))
    short = [max(size - side, 0) for side in pixels.shape[:2]]
    padded = np.pad(pixels, [*((gap // 2, gap - gap // 2) for gap in short), (0, 0)])
    top, left = (round((side - size) / 2) for side in padded.shape[:2])
    return padded[top : top + size, left : left + size].transpose(2, 0, 1)
