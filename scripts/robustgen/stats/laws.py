"""Two-sided p-values of a number against a margin, each by the law that its interval comes from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Law = Callable[[float], float]  # margin -> p


def unknown(_margin: float) -> float:
    """1: of a single value nothing is known of the spread."""
    return 1.0


def binomial(hits: float, n: float) -> Law:
    """Twice the smaller exact tail: below 0.05 just where Clopper and Pearson's interval excludes
    the margin.
    """

    def p(margin: float) -> float:
        from scipy.special import betainc

        share = min(max(margin, 0.0), 1.0)
        at_least = 1.0 if hits <= 0 else float(betainc(hits, n - hits + 1, share))
        at_most = 1.0 if hits >= n else float(betainc(n - hits, hits + 1, 1 - share))
        return min(1.0, 2 * min(at_least, at_most))

    return p


def student(value: float, error: float, freedom: float = np.inf) -> Law:
    """Of |value - margin| / error by Student's t; normal where the degrees of freedom are
    infinite.
    """

    def p(margin: float) -> float:
        from scipy.special import ndtr, stdtr

        if error == 0:
            return float(value == margin)
        t = -abs(value - margin) / error
        return float(2 * (ndtr(t) if np.isinf(freedom) else stdtr(freedom, t)))

    return p


def bootstrapped(drawn: np.ndarray) -> Law:
    """Twice (k + 1) / (B + 1), k of the B drawn values [B] lying on the margin's other side or on
    it; never 0.
    """

    def p(margin: float) -> float:
        fewer = min(int((drawn <= margin).sum()), int((drawn >= margin).sum()))
        return min(1.0, 2 * (fewer + 1) / (len(drawn) + 1))

    return p


def widest(*laws: Law) -> Law:
    """The largest p of several laws: of an interval that spans all of theirs."""
    return lambda margin: max(law(margin) for law in laws)


def of_bounds(value: float, low: float, high: float) -> Law:
    """Normal on each side, with the spread of which that side's 95 % bound tells."""

    def p(margin: float) -> float:
        from scipy.special import ndtri

        half = (high - value if margin > value else value - low) / float(ndtri(0.975))
        return 1.0 if not np.isfinite(half) else student(value, half)(margin)

    return p
