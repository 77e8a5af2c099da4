"""Contact sheets: what the images of each class look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from robustgen.data.store import Images, read_split
from robustgen.figures.style import Picture, panels

NEEDS = ("data",)
SHOWS_DATA = True  # many images of a data set, which may not be ours to give away
OPTIONS: dict[str, dict[str, object]] = {}
SHOWN = 12


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per data set: a line of validation images per class."""
    del spec
    folders = [Path(path).parent for path in files["data"]]
    figure, axes = panels(1, len(folders), size=(4.8, 3.9))
    for axis, folder in zip(axes[0], folders, strict=True):
        images = read_split(folder, "validation")
        axis.imshow(_mosaic(images), cmap="gray", interpolation="nearest", aspect="auto")
        side = images.images.shape[2] + 1
        axis.set_yticks([side * (k + 0.5) for k in range(len(images.names))], images.names)
        axis.set_xticks([])
        axis.grid(visible=False)
        axis.set_title(folder.name)
    return Picture(figure, "Data", f"The first {SHOWN} validation images of each class." + absent)


def _mosaic(images: Images) -> np.ndarray:
    """uint8 [classes * (h+1), SHOWN * (w+1), channels], white between images."""
    _, channels, h, w = images.images.shape
    canvas = np.full((len(images.names) * (h + 1), SHOWN * (w + 1), channels), 255, np.uint8)
    for k in range(len(images.names)):
        for place, index in enumerate(np.flatnonzero(images.labels == k)[:SHOWN]):
            top, left = k * (h + 1), place * (w + 1)
            canvas[top : top + h, left : left + w] = images.images[index].transpose(1, 2, 0)
    return canvas
