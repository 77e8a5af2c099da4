"""Confidence intervals of shares, AUROCs and means, over images or over seeds, each with the law of
its p-values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

from robustgen.stats import laws
from robustgen.stats.laws import Law

LEVEL = 0.95


class _Numbers(NamedTuple):
    value: float
    low: float
    high: float


class Interval(_Numbers):
    """An estimate with the bounds of its 95 % interval."""

    law: Law | None = None

    def under(self, law: Law | None) -> Self:
        """Itself, with the law that its p-values come from."""
        self.law = law
        return self

    def p(self, margin: float) -> float:
        """Two-sided p-value against a margin; of an interval without a law of its own, by a normal
        law with these bounds.
        """
        return (self.law or laws.of_bounds(*self))(margin)

    @classmethod
    def of(cls, found: Interval) -> Self:
        """The same estimate as one of this kind of number."""
        return cls(*found).under(found.law)


class Rate(Interval):
    """An interval of what lies between `least` and 1."""

    least = 0.0


class Difference(Rate):
    """An interval of a difference of two rates."""

    least = -1.0


class Share(Rate):
    """An interval of hits / n, which knows its n."""

    n: float


def share(hits: float, n: float, level: float = LEVEL) -> Share:
    """hits / n with the exact interval of Clopper and Pearson."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits <= 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    found = Share(hits / n, low, high).under(laws.binomial(hits, n))
    found.n = n
    return found


def mean(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """The mean with Student's interval; of a single value the interval is unbounded, for nothing is
    known of the spread.
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=np.float64)
    value = float(x.mean())
    if len(x) < 2:
        return Interval(value, -np.inf, np.inf).under(laws.unknown)
    error, freedom = float(x.std(ddof=1) / np.sqrt(len(x))), len(x) - 1
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Interval(value, value - half, value + half).under(laws.student(value, error, freedom))


def auroc(attacked: np.ndarray, clean: np.ndarray, level: float = LEVEL) -> Rate:
    """AUROC with DeLong's interval, clipped to [0,1]; where it separates perfectly, the exact bound
    of the smaller sample.
    """
    from scipy.special import ndtri

    placed_attacked, placed_clean = _placements(attacked, clean), 1 - _placements(clean, attacked)
    value = float(placed_attacked.mean())
    if min(len(attacked), len(clean)) < 2:
        return Rate(value, 0.0, 1.0).under(laws.unknown)
    variance = placed_attacked.var(ddof=1) / len(attacked) + placed_clean.var(ddof=1) / len(clean)
    if variance == 0 and value in (0.0, 1.0):
        n = min(len(attacked), len(clean))
        return Rate.of(share(round(value * n), n, level))
    error = float(np.sqrt(variance))
    half = float(ndtri((1 + level) / 2)) * error
    found = Rate(value, max(0.0, value - half), min(1.0, value + half))
    return found.under(laws.student(value, error))


def paired_share_difference(
    ones: np.ndarray, others: np.ndarray, level: float = LEVEL
) -> Difference:
    """share(ones) - share(others) on the same images, with the interval of Agresti and Min (2005).

    It adds half a pair to each cell of the 2 x 2 table, so that no discordant pair does not mean no
    uncertainty. Truths that are means over draws count as the part of a pair by which they differ.
    """
    from scipy.special import ndtri

    change, n = ones.astype(np.float64) - others.astype(np.float64), len(ones)
    gained, lost = float(np.maximum(change, 0).sum()), float(np.maximum(-change, 0).sum())
    b, c, m = gained + 0.5, lost + 0.5, n + 2
    centre, error = float((b - c) / m), float(np.sqrt(b + c - (b - c) ** 2 / m) / m)
    half = float(ndtri((1 + level) / 2)) * error
    found = Difference((gained - lost) / n, max(-1.0, centre - half), min(1.0, centre + half))
    return found.under(laws.student(centre, error))


def over_seeds(intervals: Sequence[Interval]) -> tuple[Interval, str]:
    """One interval for several repetitions and what it is over: the images of a single one, else
    the seeds.

    Of shares it is Korn and Graubard's (1998): Clopper and Pearson's of as many images as give the
    variance between the seeds, with Student's quantile for their number, but of no more than a
    repetition has, for the repetitions share their images. Of other numbers it is Student's, no
    narrower than over the images of a repetition, and within the number's own bounds.
    """
    if len(intervals) == 1:
        return intervals[0], "images"
    over = (
        f"{len(intervals)} seeds (of shares Korn and Graubard's, else Student's, none narrower "
        "than over images)"
    )
    shares = [one for one in intervals if isinstance(one, Share)]
    if len(shares) == len(intervals):
        return _korn_graubard(shares), over
    seeds = mean([one.value for one in intervals])
    images = (_mean(one.low for one in intervals), _mean(one.high for one in intervals))
    low, high = min(seeds.low, images[0]), max(seeds.high, images[1])
    law = laws.widest(seeds.p, laws.of_bounds(seeds.value, *images))
    rates = [one for one in intervals if isinstance(one, Rate)]
    if len(rates) == len(intervals):
        low, high = max(low, min(one.least for one in rates)), min(high, 1.0)
    return Interval(seeds.value, low, high).under(law), over


def _korn_graubard(shares: Sequence[Share], level: float = LEVEL) -> Interval:
    """The mean share over seeds; p (1 - p) / variance images would have its variance."""
    from scipy.special import stdtrit

    values, seeds = np.array([one.value for one in shares]), len(shares)
    n = _mean(one.n for one in shares)
    p, variance = float(values.mean()), float(values.var(ddof=1)) / seeds
    if variance > 0:
        images, repetitions = (stdtrit(max(count - 1, 1), (1 + level) / 2) for count in (n, seeds))
        n = min(n, p * (1 - p) / variance * float(images / repetitions) ** 2)
    found = share(p * n, n, level)
    return Interval(p, *found[1:]).under(found.law)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean([*values]))


def _placements(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of `ones` the share of `others` below it, ties counting half."""
    ordered = np.sort(others)
    below, upto = (
        np.searchsorted(ordered, ones, side="left"),
        np.searchsorted(ordered, ones, side="right"),
    )
    placed: np.ndarray = (below + upto) / (2 * len(others))
    return placed
