"""The cyclical learning rate of chapter 3: from a tenth of its maximum up to it in the first 30 %
of the steps, down to a hundredth in the next 60 %, and there to the end, of which the thesis says
nothing.
"""

from __future__ import annotations

from bisect import bisect_right

KNOTS = ((0.0, 0.1), (0.3, 1.0), (0.9, 0.01), (1.0, 0.01))  # share of the steps, of the maximum


def rate(step: int, steps: int) -> float:
    """The factor of the maximal learning rate in step 0, ..., steps - 1, linear between knots."""
    place = step / max(1, steps - 1)
    right = min(bisect_right([share for share, _ in KNOTS], place), len(KNOTS) - 1)
    (start, low), (stop, high) = KNOTS[right - 1], KNOTS[right]
    return low + (high - low) * (place - start) / (stop - start)
