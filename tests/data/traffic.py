"""Folders of traffic signs, written as their publishers do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

STREAM = np.random.Generator(np.random.PCG64(4))
ANSWERS = "gtsrb/GT-final_test.csv"


def picture(path: Path, height: int = 40, width: int = 44) -> np.ndarray:
    """A random photograph, written to `path`; gives its pixels [h,w,3]."""
    pixels = STREAM.integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def folders(base: Path, counts: dict[int, int], *, classes: int, side: int = 40) -> None:
    """As many photographs in each class's folder as `counts` says (2 where it says nothing)."""
    for k in range(classes):
        (base / f"{k:05d}").mkdir(parents=True)
        for i in range(counts.get(k, 2)):
            picture(base / f"{k:05d}/00000_{i:05d}.ppm", side, side + 4)


def write_gtsrb(root: Path, counts: dict[int, int] | None = None, *, test: int = 2) -> None:
    """GTSRB with two training images and `test` test images of each class, which come in no
    order.
    """
    folders(root / "gtsrb/GTSRB/Training", counts or {}, classes=43)
    images, lines = (
        root / "gtsrb/GTSRB/Final_Test/Images",
        [("Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId")],
    )
    for i in range(43 * test):
        picture(images / f"{i:05d}.ppm", 36, 34)
        lines.append(f"{i:05d}.ppm;34;36;5;5;29;31;{i * 5 % 43}")
    (root / ANSWERS).write_text("\n".join(lines) + "\n")
