"""What may happen to a sign before the camera: where it stands, its light, what covers it, how the
picture is spoilt.

Every image has its own random stream, first one number for each entry of RANGES and then its noise,
so it depends on nothing but its seed, and a larger picture shows the same scene. Arithmetic is
float64 with + - * / and sqrt only (directions come from the tangent of the half angle), so that
every x86 processor gives the same bytes.

Parameters are [n,1,1], planes [n,size,size], pictures [n,size,size,3]. Coordinates run from -1 to 1
over the image.
"""

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]
Scene = dict[str, Plane]

COLOURS = ("red", "green", "blue")
RANGES: dict[str, tuple[float, float]] = {
    "x": (-0.22, 0.22),
    "y": (-0.22, 0.22),
    "radius": (0.55, 0.85),
    "turn": (-0.15, 0.15),
    "squeeze": (0.70, 1.0),
    "tilt x": (-0.25, 0.25),
    "tilt y": (-0.25, 0.25),
    "motion x": (-0.10, 0.10),
    "motion y": (-0.10, 0.10),
    "defocus x": (-0.05, 0.30),
    "defocus y": (-0.05, 0.30),
    "photo": (0.0, 2.0),
    "photo x": (0.0, 1.0),
    "photo y": (0.0, 1.0),
    "photo reach": (24.0, 100.0),
    "photo flip": (-1.0, 1.0),
    "photo gain": (0.4, 1.2),
    "gain": (0.70, 1.15),
    "haze": (-0.20, 0.25),
    "haze level": (0.3, 0.9),
    "shadow": (-0.30, 0.50),
    "shadow turn": (-1.0, 1.0),
    "shadow place": (-0.6, 0.6),
    "shadow edge": (0.1, 1.2),
    "sticker": (-0.20, 0.36),
    "sticker x": (-0.6, 0.6),
    "sticker y": (-0.6, 0.6),
    "bar": (-0.15, 0.12),
    "bar turn": (-1.0, 1.0),
    "bar place": (-0.9, 0.9),
    "blob": (-0.40, 0.45),
    "blob x": (-1.0, 1.0),
    "blob y": (-1.0, 1.0),
    "noise": (0.01, 0.05),
    **{f"cast {colour}": (0.85, 1.15) for colour in COLOURS},
    **{
        f"{thing} {colour}": (0.05, 0.95)
        for thing in ("sticker", "bar", "blob")
        for colour in COLOURS
    },
}


def draw_scene(streams: list[np.random.PCG64]) -> Scene:
    """For each entry of RANGES one uniform number per stream."""
    uniform = np.stack([np.random.Generator(stream).random(len(RANGES)) for stream in streams])
    bounds = enumerate(RANGES.items())
    return {
        name: (low + (high - low) * uniform[:, k])[:, None, None]
        for k, (name, (low, high)) in bounds
    }


def grid(size: int) -> tuple[Plane, Plane]:
    """The x [1,1,size] and y [1,size,1] of pixel centres."""
    middle = (np.arange(size) + 0.5) * 2.0 / size - 1.0
    return middle[None, None, :], middle[None, :, None]


def direction(half_tangent: Plane) -> tuple[Plane, Plane]:
    """Cosine and sine of the angle whose half has the given tangent: (1 - t^2)/(1 + t^2) and 2t/(1
    + t^2).
    """
    square = half_tangent * half_tangent
    return (1.0 - square) / (1.0 + square), 2.0 * half_tangent / (1.0 + square)
