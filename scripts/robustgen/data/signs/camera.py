"""Pictures of signs as a camera might take them: seen at an angle, before a photograph, blurred and
noisy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustgen.data.signs.boards import REACH, SIDE
from robustgen.data.signs.light import add_light, cover
from robustgen.data.signs.scenes import Plane, Scene, direction, draw_scene, grid

# places within a pixel, in the order of the exposure
SAMPLES = ((-0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (0.5, -0.5))
COVERED = 0.5  # share of a pixel from which on it counts as the sign's


@dataclass(frozen=True)
class Shots:
    """Pictures, and where the board of the sign is in them."""

    pictures: Plane  # [n,size,size,3] in [0,1]
    masks: NDArray[np.bool_]  # [n,size,size]


def render(
    seeds: Sequence[tuple[int, ...]],
    labels: NDArray[np.int64],
    *,
    templates: Plane,
    photos: Plane,
    size: int,
) -> Shots:
    """One picture per seed and label from templates [k,SIDE,SIDE,4] and photos [p,h,w,3].

    A mask holds the pixels that the board covers by half or more, before defocus and noise; a
    sticker that lies on the board belongs to it.
    """
    streams = [np.random.PCG64(np.random.SeedSequence(seed)) for seed in seeds]
    scene = draw_scene(streams)
    sign = place_sign(scene, labels, templates=templates, size=size)
    behind = crop_photo(scene, photos=photos, size=size)
    picture = behind * (1.0 - sign[..., 3:]) + sign[..., :3]
    picture = add_light(scene, cover(scene, picture))
    picture = defocus(scene, picture)
    picture = np.clip(picture + add_noise(scene, streams, size=size), 0.0, 1.0)
    return Shots(picture, sign[..., 3] >= COVERED)


def crop_photo(scene: Scene, *, photos: Plane, size: int) -> Plane:
    """A random bilinear crop of a random photograph, perhaps mirrored, brightened or darkened."""
    x, y = grid(size)
    height, width = photos.shape[1:3]
    reach = scene["photo reach"]
    x = x * np.where(scene["photo flip"] < 0.0, -1.0, 1.0)
    column = reach + scene["photo x"] * (width - 2.0 - 2.0 * reach) + x * reach
    row = reach + scene["photo y"] * (height - 2.0 - 2.0 * reach) + y * reach
    start = scene["photo"].astype(np.int64) * height
    return look_up(photos, start, row, column) * scene["photo gain"][..., None]


def look_up(photos: Plane, start: NDArray[np.int64], row: Plane, column: Plane) -> Plane:
    """Bilinear values of stacked photographs at fractional rows [n,size,1] and columns
    [n,1,size].
    """
    flat, width = photos.reshape(-1, 3), photos.shape[2]
    top, left = row.astype(np.int64), column.astype(np.int64)
    corner = (start + top) * width + left
    down, right = (row - top)[..., None], (column - left)[..., None]
    upper = flat[corner] + right * (flat[corner + 1] - flat[corner])
    lower = flat[corner + width] + right * (flat[corner + width + 1] - flat[corner + width])
    between: Plane = upper + down * (lower - upper)
    return between


def place_sign(scene: Scene, labels: NDArray[np.int64], *, templates: Plane, size: int) -> Plane:
    """The sign [n,size,size,4] with its coverage: means of four samples per pixel, spread over the
    pixel and along the camera's motion.
    """
    flat = templates.reshape(-1, 4)
    total = np.zeros((len(labels), size, size, 4))
    for step, (dx, dy) in enumerate(SAMPLES):
        moved = step / 3.0 - 0.5
        shift_x, shift_y = (
            dx / size + moved * scene["motion x"],
            dy / size + moved * scene["motion y"],
        )
        x, y = sign_coordinates(scene, size=size, dx=shift_x, dy=shift_y)
        total += flat[template_pixel(x, y, labels)]
    total /= len(SAMPLES)
    return total


def sign_coordinates(scene: Scene, *, size: int, dx: Plane, dy: Plane) -> tuple[Plane, Plane]:
    """Where on the sign each pixel looks: shifted, turned, squeezed, and divided by its distance (a
    homography).
    """
    x, y = grid(size)
    x, y = (x + dx - scene["x"]) / scene["radius"], (y + dy - scene["y"]) / scene["radius"]
    cosine, sine = direction(scene["turn"])
    wide = (cosine / scene["squeeze"]) * x + (sine / scene["squeeze"]) * y
    high = cosine * y - sine * x
    nearness = 1.0 / (1.0 + scene["tilt x"] * wide + scene["tilt y"] * high)
    return wide * nearness, high * nearness


def template_pixel(x: Plane, y: Plane, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of the nearest template pixel; beyond the edge, one of the empty pixels at the
    edge.
    """
    scale = SIDE / (2.0 * REACH)
    column = np.clip((x + REACH) * scale, 0.0, SIDE - 1.0).astype(np.int64)
    row = np.clip((y + REACH) * scale, 0.0, SIDE - 1.0).astype(np.int64)
    return (labels[:, None, None] * SIDE + row) * SIDE + column


def defocus(scene: Scene, picture: Plane) -> Plane:
    """Three-pixel weighted means along x and y."""
    for axis, name in ((2, "defocus x"), (1, "defocus y")):
        weight = np.maximum(scene[name], 0.0)[..., None]
        padded = np.concatenate([picture.take([0], axis), picture, picture.take([-1], axis)], axis)
        before, after = (
            padded.take(range(picture.shape[axis]), axis),
            padded.take(range(2, padded.shape[axis]), axis),
        )
        picture = picture + weight * (before + after - 2.0 * picture)
    return picture


def add_noise(scene: Scene, streams: list[np.random.PCG64], *, size: int) -> Plane:
    """Nearly normal noise of the drawn deviation: sums of eight random bytes have mean 1020 and
    deviation 209.
    """
    words = np.stack([stream.random_raw(size * size * 3) for stream in streams])
    whole = words.view(np.uint8).reshape(len(streams), size, size, 3, 8)
    total = whole.sum(axis=-1, dtype=np.int64) - 1020
    noise: Plane = scene["noise"][..., None] * (total / 209.0)
    return noise
