"""What lies between a sign and the camera: stickers and other cover, shadow, coloured
light, haze.
"""

import numpy as np

from robustgen.data.signs.scenes import COLOURS, Plane, Scene, direction, grid


def cover(scene: Scene, picture: Plane) -> Plane:
    """The picture with a sticker, a bar and a blob over it, each absent where its drawn size is
    negative.
    """
    size = picture.shape[1]
    x, y = grid(size)
    for thing in ("sticker", "blob"):
        away_x = x - scene[f"{thing} x"]
        away_y = y - scene[f"{thing} y"]
        distance = np.sqrt(away_x * away_x + away_y * away_y)
        picture = blend(
            picture, colour(scene, thing), share=soft(scene[thing] - distance, size=size)
        )
    cosine, sine = direction(scene["bar turn"])
    distance = np.abs(cosine * x + sine * y - scene["bar place"])
    return blend(picture, colour(scene, "bar"), share=soft(scene["bar"] - distance, size=size))


def add_light(scene: Scene, picture: Plane) -> Plane:
    """The picture with a cast shadow, coloured light of some strength, and haze."""
    x, y = grid(picture.shape[1])
    cosine, sine = direction(scene["shadow turn"])
    depth = np.clip(
        (cosine * x + sine * y - scene["shadow place"]) / scene["shadow edge"] + 0.5, 0.0, 1.0
    )
    light = scene["gain"] * (1.0 - np.maximum(scene["shadow"], 0.0) * depth)
    haze = np.maximum(scene["haze"], 0.0)
    return (
        picture * ((1.0 - haze) * light)[..., None] * colour(scene, "cast")
        + (haze * scene["haze level"])[..., None]
    )


def blend(picture: Plane, over: Plane, *, share: Plane) -> Plane:
    """The picture with the given share [n,size,size] of something else over it."""
    return picture + share[..., None] * (over - picture)


def colour(scene: Scene, thing: str) -> Plane:
    """The colour [n,1,1,3] of the given thing."""
    return np.stack([scene[f"{thing} {name}"] for name in COLOURS], axis=-1)


def soft(depth: Plane, *, size: int) -> Plane:
    """How much of a pixel lies inside an edge, given its depth behind that edge."""
    return np.clip(0.5 + depth * (size / 2.0), 0.0, 1.0)
