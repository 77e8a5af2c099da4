"""Holm's correction of p-values for being many."""

from __future__ import annotations

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """The smallest level at which Holm's procedure rejects each hypothesis: of m p-values in rising
    order max over j <= i of (m - j) p_(j), j from 0, at most 1.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    found, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = largest
    return found
