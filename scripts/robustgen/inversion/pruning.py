"""Successive halving over classes: those that lag behind are given up on the way, which is no part
of the thesis but answers its wish for a cost that does not grow with the number of classes.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

POINTS = ((0.2, 0.5), (0.5, 0.3))  # share of the steps, share of the classes that goes on


def kept_at(step: int, steps: int, classes: int) -> int | None:
    """How many classes go on from this step; None where nothing changes."""
    for share, kept in POINTS:
        if step and step == ceil(share * steps):
            return max(1, ceil(kept * classes))
    return None


def active(steps: int, classes: int, *, pruned: bool) -> list[int]:
    """How many classes of an image are searched in each step."""
    found, now = [], classes
    for step in range(steps):
        now = (kept_at(step, steps, classes) or now) if pruned else classes
        found.append(now)
    return found


def judged(steps: int, classes: int, *, pruned: bool) -> int:
    """How many pairs of an image are compared to decide which classes go on."""
    each = active(steps, classes, pruned=pruned)
    changes = [before for before, now in pairwise(each) if now != before]
    return sum(changes)
