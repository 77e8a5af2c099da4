"""The kernel distance of two sets of features (KID): the unbiased squared maximum mean discrepancy
under the kernel (x.y / d + 1)^3, which, unlike FID, does not grow as the sets get small.
"""

from __future__ import annotations

import numpy as np

from robustgen.core.refusal import Refused

DEGREE = 3


def kid(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of features a [n,d] and b [m,d]; it may be slightly negative."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if min(len(a), len(b)) < 2:
        raise Refused(f"KID needs 2 images on each side, not {min(len(a), len(b))}.")
    return _within(a) + _within(b) - 2 * float(_kernel(a, b).mean())


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found: np.ndarray = (a @ b.T / a.shape[1] + 1) ** DEGREE
    return found


def _within(a: np.ndarray) -> float:
    """The mean of the kernel over pairs of different images."""
    k, n = _kernel(a, a), len(a)
    return float((k.sum() - np.trace(k)) / (n * (n - 1)))
