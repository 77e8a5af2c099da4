"""Confidence intervals: of a share, of an AUROC, of a mean, over images or over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Rate(Interval):
    """An interval of what lies between `least` and 1."""

    least = 0.0


class Difference(Rate):
    """An interval of a difference of two rates."""

    least = -1.0


class Share(Rate):
    """An interval of hits / n, which knows its n."""

    n: float


def share(hits: float, n: float, level: float = LEVEL) -> Interval:
    """hits / n with the exact interval of Clopper and Pearson."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    found = Share(hits / n, low, high)
    found.n = n
    return found


def mean(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """The mean with Student's interval; of a single value the interval is unbounded, for nothing is
    known of the spread.
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return Interval(float(x.mean()), -np.inf, np.inf)
    half = float(stdtrit(len(x) - 1, (1 + level) / 2) * x.std(ddof=1) / np.sqrt(len(x)))
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)


def auroc(attacked: np.ndarray, clean: np.ndarray, level: float = LEVEL) -> Rate:
    """AUROC with DeLong's interval, clipped to [0,1]; where it separates perfectly, the exact bound
    of the smaller sample.
    """
    from scipy.special import ndtri

    placed_attacked, placed_clean = _placements(attacked, clean), 1 - _placements(clean, attacked)
    value = float(placed_attacked.mean())
    if min(len(attacked), len(clean)) < 2:
        return Rate(value, 0.0, 1.0)
    variance = placed_attacked.var(ddof=1) / len(attacked) + placed_clean.var(ddof=1) / len(clean)
    if variance == 0 and value in (0.0, 1.0):
        n = min(len(attacked), len(clean))
        return Rate(*share(round(value * n), n, level))
    half = float(ndtri((1 + level) / 2) * np.sqrt(variance))
    return Rate(value, max(0.0, value - half), min(1.0, value + half))


def paired_share_difference(
    ones: np.ndarray, others: np.ndarray, level: float = LEVEL
) -> Difference:
    """share(ones) - share(others) on the same images, with the interval of Agresti and Min (2005).

    It adds half a pair to each cell of the 2 x 2 table, so that no discordant pair does not mean no
    uncertainty.
    """
    from scipy.special import ndtri

    n, gained, lost = len(ones), int((ones & ~others).sum()), int((others & ~ones).sum())
    b, c, m = gained + 0.5, lost + 0.5, n + 2
    centre, half = (
        (b - c) / m,
        float(ndtri((1 + level) / 2)) * np.sqrt(b + c - (b - c) ** 2 / m) / m,
    )
    return Difference(
        (gained - lost) / n, max(-1.0, float(centre - half)), min(1.0, float(centre + half))
    )


def bootstrap(
    statistic: Callable[..., float],
    *samples: np.ndarray,
    seed: int = 0,
    draws: int = 200,
    level: float = LEVEL,
) -> Interval:
    """A statistic of independent samples with its percentile interval."""
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = [
        statistic(*(generator.choice(sample, len(sample)) for sample in samples))
        for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(*samples)), float(low), float(high))


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
    rates = [one for one in intervals if isinstance(one, Rate)]
    if len(shares) == len(intervals):
        return _korn_graubard(shares), over
    value, low, high = mean([one.value for one in intervals])
    low, high = (
        min(low, _mean(one.low for one in intervals)),
        max(high, _mean(one.high for one in intervals)),
    )
    if len(rates) == len(intervals):
        low, high = max(low, min(one.least for one in rates)), min(high, 1.0)
    return Interval(value, low, high), over


def _korn_graubard(shares: Sequence[Share], level: float = LEVEL) -> Interval:
    """The mean share over seeds; p (1 - p) / variance images would have its variance."""
    from scipy.special import stdtrit

    values, seeds, n = (
        np.array([one.value for one in shares]),
        len(shares),
        _mean(one.n for one in shares),
    )
    p, variance = float(values.mean()), float(values.var(ddof=1)) / seeds
    if variance > 0:
        images, repetitions = (stdtrit(max(count - 1, 1), (1 + level) / 2) for count in (n, seeds))
        n = min(n, p * (1 - p) / variance * float(images / repetitions) ** 2)
    return Interval(p, *share(p * n, n, level)[1:])


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
