"""Masks of traffic signs by fitted outlines: a disc, a triangle or a diamond, by the sign's class.

    python outline_masks.py DATA/gtsrb10 DATA/gtsrb10_masked

Of all sizes and places of a shape the one is taken whose rim differs most, in the colour that the
class has there, from what lies just outside of it and just within it. The files are read and written as
the data set `npz` knows them, masks beside images. No mask was drawn by hand: some are off by a
pixel or two, and a few of dark or blurred images by more.
"""

import sys
from pathlib import Path

import numpy as np

SHAPES = {2: "disc", 1: "disc", 13: "down", 12: "diamond", 38: "disc", 10: "disc", 4: "disc",
          5: "disc", 25: "up", 9: "disc"}  # by GTSRB's number of the class
RIM = {"disc": 0.78, "down": 0.68, "up": 0.68, "diamond": 0.75}  # inner edge / outline
RED, BLUE, BRIGHT = (1, -0.5, -0.5), (-1, 0, 1), (0.4, 0.4, 0.2)
COLOUR = {38: BLUE, 12: BRIGHT}  # of the rim; red of the others
SIZES, PLACES = np.arange(8.5, 15.1, 0.5), np.arange(-3, 4)
SIDE = 32


def inside(shape: str, size: float, dy: float, dx: float) -> np.ndarray:
    """The pixels [h,w] of a shape of half width `size` around the centre, moved by (dy, dx)."""
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2 - np.array([dy, dx])[:, None, None]) / size
    if shape == "disc":
        return x**2 + y**2 <= 1
    if shape == "diamond":
        return abs(x) + abs(y) <= 1
    y = y if shape == "up" else -y  # an equilateral triangle of side 2, its box centred
    return (y <= 3**0.5 / 2) & (2 * abs(x) - 1 <= 2 * y / 3**0.5)


def rings(shape: str, size: float, dy: float, dx: float) -> list[np.ndarray]:
    """Weights [h,w] of the rim, of what lies around it, and of what lies within it."""
    whole, hole = inside(shape, size, dy, dx), inside(shape, size * RIM[shape], dy, dx)
    around = inside(shape, size + 1.5, dy, dx) & ~whole
    centre = hole & ~inside(shape, size * RIM[shape] - 2, dy, dx)
    return [part.ravel() / max(part.sum(), 1) for part in (whole & ~hole, around, centre)]


def masks(images: np.ndarray, number: int) -> np.ndarray:
    """The masks [n,h,w] of images [n,h,w,3] of a class."""
    shape, colour = SHAPES[number], COLOUR.get(number, RED)
    flat = images.reshape(len(images), SIDE * SIDE, 3) @ np.array(colour, np.float32)
    best, found = np.full(len(images), -np.inf), np.zeros((len(images), SIDE, SIDE), np.uint8)
    for size in SIZES:
        for dy in PLACES:
            for dx in PLACES:
                weights = np.stack(rings(shape, size, dy, dx), 1).astype(np.float32)
                rim, around, centre = (flat @ weights).T
                score = rim - around
                if colour is RED:
                    score = score + 0.5 * (rim - centre)
                elif colour is BRIGHT:  # against a bright sky its rim is the darker side
                    score = np.abs(score) + 0.5 * np.abs(rim - centre)
                better = score > best
                best[better] = score[better]
                found[better] = inside(shape, size, dy, dx)
    return found


def main(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for part in ("train.npz", "test.npz"):
        with np.load(source / part) as file:
            images, labels, numbers = file["images"], file["labels"], file["gtsrb_classes"]
        found = np.zeros(images.shape[:3], np.uint8)
        for label, number in enumerate(numbers):
            found[labels == label] = masks(images[labels == label], int(number))
        np.savez_compressed(target / part, images=images, labels=labels, masks=found)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
