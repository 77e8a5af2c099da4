"""The shapes and glyphs of traffic signs as signed distances: negative inside, positive outside.

Coordinates: x to the right, y down, the sign within [-1,1].
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]  # [side,side]
Glyph = Callable[[Field, Field], Field]

ROOT_3 = math.sqrt(3.0)


def disc(x: Field, y: Field, *, r: float) -> Field:
    """Distance to a disc around the origin."""
    distance: Field = np.sqrt(x * x + y * y) - r
    return distance


def box(x: Field, y: Field, *, w: float, h: float) -> Field:
    """Distance (the greatest over the sides) to an upright rectangle of half-width w and
    half-height h.
    """
    return np.maximum(np.abs(x) - w, np.abs(y) - h)


def triangle(x: Field, y: Field, *, r: float) -> Field:
    """Distance (the greatest over the sides) to an equilateral triangle, point up, of inner radius
    r.
    """
    return np.maximum(y, (ROOT_3 * np.abs(x) - y) / 2.0) - r


def line(
    x: Field, y: Field, *, start: tuple[float, float], end: tuple[float, float], t: float
) -> Field:
    """Distance to a stroke of half-thickness t with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    return disc(x - start[0] - along * dx, y - start[1] - along * dy, r=t)


def union(*fields: Field) -> Field:
    """Distance to whichever is nearest."""
    result = fields[0]
    for field in fields[1:]:
        result = np.minimum(result, field)
    return result


def exclamation(x: Field, y: Field) -> Field:
    """A bar that narrows downwards, over a dot."""
    bar = np.maximum(np.abs(y + 0.10) - 0.30, np.abs(x) - 0.12 + 0.10 * y)
    return union(bar, disc(x, y - 0.40, r=0.12))


def bump(x: Field, y: Field) -> Field:
    """A mound on a road."""
    mound = np.maximum(disc(x, y - 0.32, r=0.30), y - 0.32)
    return union(mound, box(x, y - 0.38, w=0.52, h=0.08))


def arrow(x: Field, y: Field) -> Field:
    """An arrow to the left."""
    head = np.maximum(np.abs(y) - (x + 0.66) * 0.85, x + 0.10)
    return union(head, box(x - 0.22, y, w=0.38, h=0.14))


def narrows(x: Field, y: Field) -> Field:
    """A road that narrows: two strokes that lean together."""
    return line(np.abs(x), y, start=(0.42, 0.28), end=(0.22, -0.42), t=0.12)


def crossroads(x: Field, y: Field) -> Field:
    """Two roads that cross."""
    return union(box(x, y, w=0.56, h=0.15), box(x, y, w=0.15, h=0.56))


def zero(x: Field, y: Field) -> Field:
    """The numeral 0."""
    stem = line(x, y, start=(0.0, -0.17), end=(0.0, 0.17), t=0.15)
    return np.abs(stem) - 0.085


def three(x: Field, y: Field) -> Field:
    """The numeral 3: two bowls open to the left, with three stubs."""
    bowls = [
        np.maximum(np.abs(disc(x, y - centre, r=0.16)) - 0.085, -x) for centre in (-0.16, 0.16)
    ]
    stubs = [
        line(x, y, start=(-0.14, height), end=(0.0, height), t=0.085)
        for height in (-0.32, 0.0, 0.32)
    ]
    return union(*bowls, *stubs)


def seven(x: Field, y: Field) -> Field:
    """The numeral 7."""
    top = line(x, y, start=(-0.17, -0.32), end=(0.17, -0.32), t=0.085)
    return union(top, line(x, y, start=(0.17, -0.32), end=(-0.06, 0.34), t=0.085))


def letter_p(x: Field, y: Field) -> Field:
    """The letter P."""
    bowl = np.maximum(np.abs(disc(x - 0.05, y + 0.22, r=0.22)) - 0.10, 0.05 - x)
    arms = [box(x + 0.1, y - height, w=0.17, h=0.10) for height in (-0.44, 0.0)]
    return union(bowl, *arms, box(x + 0.22, y, w=0.11, h=0.54))


def letter_h(x: Field, y: Field) -> Field:
    """The letter H."""
    return union(box(np.abs(x) - 0.28, y, w=0.11, h=0.54), box(x, y, w=0.3, h=0.10))


def two_numerals(left: Glyph, right: Glyph) -> Glyph:
    """Two numerals side by side."""
    return lambda x, y: union(left(x + 0.27, y), right(x - 0.27, y))
