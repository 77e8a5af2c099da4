"""Ten kinds of traffic sign as small flat pictures, painted layer over layer.

Neighbours in NAMES share shape and colours and differ only in the glyph, so colour alone cannot
tell them apart.
"""

import math
from collections.abc import Callable

import numpy as np

from robustgen.data.signs.shapes import (
    Field,
    Glyph,
    arrow,
    box,
    bump,
    crossroads,
    disc,
    exclamation,
    letter_h,
    letter_p,
    narrows,
    seven,
    three,
    triangle,
    two_numerals,
    zero,
)

Layer = tuple[Field, tuple[float, float, float]]

SIDE, REACH = 160, 1.08  # pixels of a template, and the coordinate at its edge
RED, BLUE, YELLOW = (0.78, 0.07, 0.10), (0.05, 0.25, 0.66), (0.98, 0.76, 0.05)
WHITE, BLACK = (0.96, 0.96, 0.94), (0.05, 0.05, 0.06)


def warning(x: Field, y: Field, *, glyph: Glyph) -> list[Layer]:
    """A red-rimmed white triangle."""
    y = y - 0.2
    return [(triangle(x, y, r=0.56), RED), (triangle(x, y, r=0.39), WHITE), (glyph(x, y), BLACK)]


def command(x: Field, y: Field, *, glyph: Glyph) -> list[Layer]:
    """A blue disc with a thin white rim."""
    return [(disc(x, y, r=0.95), WHITE), (disc(x, y, r=0.88), BLUE), (glyph(x, y), WHITE)]


def limit(x: Field, y: Field, *, glyph: Glyph) -> list[Layer]:
    """A white disc with a broad red rim."""
    return [(disc(x, y, r=0.95), RED), (disc(x, y, r=0.74), WHITE), (glyph(x, y), BLACK)]


def diamond(x: Field, y: Field, *, glyph: Glyph) -> list[Layer]:
    """A yellow square on its tip with a thin black line."""
    turned = (np.abs(x) + np.abs(y)) / math.sqrt(2.0)
    return [
        (turned - 0.74, YELLOW),
        (turned - 0.69, BLACK),
        (turned - 0.64, YELLOW),
        (glyph(x, y), BLACK),
    ]


def service(x: Field, y: Field, *, glyph: Glyph) -> list[Layer]:
    """A blue square with a thin white rim."""
    return [
        (box(x, y, w=0.82, h=0.82), WHITE),
        (box(x, y, w=0.76, h=0.76), BLUE),
        (glyph(x, y), WHITE),
    ]


KINDS: dict[str, tuple[Callable[..., list[Layer]], Glyph]] = {
    "danger": (warning, exclamation),
    "bump": (warning, bump),
    "turn left": (command, arrow),
    "turn right": (command, lambda x, y: arrow(-x, y)),
    "limit 30": (limit, two_numerals(three, zero)),
    "limit 70": (limit, two_numerals(seven, zero)),
    "road narrows": (diamond, narrows),
    "crossroads": (diamond, crossroads),
    "parking": (service, letter_p),
    "hospital": (service, letter_h),
}
NAMES = tuple(KINDS)


def templates() -> Field:
    """All ten signs as [10,SIDE,SIDE,4]: red, green, blue already multiplied by the last channel,
    the coverage.
    """
    middle = ((np.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0) * REACH
    x, y = np.broadcast_arrays(middle[None, :], middle[:, None])
    return np.stack([paint(shape(x, y, glyph=glyph)) for shape, glyph in KINDS.values()])


def paint(layers: list[Layer]) -> Field:
    """The layers over one another, each with an edge one pixel wide, as [SIDE,SIDE,4]."""
    picture = np.zeros((SIDE, SIDE, 4))
    for field, colour in layers:
        cover = np.clip(0.5 - field * (SIDE / (2.0 * REACH)), 0.0, 1.0)[:, :, None]
        picture = picture * (1.0 - cover) + cover * np.array([*colour, 1.0])
    return picture
