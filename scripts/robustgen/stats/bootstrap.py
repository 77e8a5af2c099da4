"""The bootstrap over images: each of many draws is how often it holds each image."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from robustgen.stats import laws
from robustgen.stats.intervals import LEVEL, Interval

DRAWS = 200


def bootstrap(
    statistic: Callable[..., np.ndarray], *sizes: int, seed: int = 0, level: float = LEVEL
) -> Interval:
    """A statistic of independent samples of these sizes with its percentile interval.

    The statistic gets, per sample, how often each draw holds each image, [draws, n], and gives its
    value in each draw, [draws].
    """
    value = float(statistic(*(np.ones((1, n)) for n in sizes))[0])
    return percentiles(value, statistic(*resamples(sizes, seed=seed)), level)


def percentiles(value: float, drawn: np.ndarray, level: float = LEVEL) -> Interval:
    """A value with the percentile interval of what it is in each draw of a bootstrap, [draws],
    which is widened to the value where the draws are biased away from it.
    """
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    bounds = min(float(low), value), max(float(high), value)
    return Interval(value, *bounds).under(laws.bootstrapped(drawn))


@lru_cache(maxsize=8)
def resamples(sizes: tuple[int, ...], *, seed: int = 0) -> list[np.ndarray]:
    """How often each of DRAWS resamples of each sample holds each image, [DRAWS, n] each."""
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = [[generator.integers(n, size=n) for n in sizes] for _ in range(DRAWS)]
    return [_counts(np.stack(places)) for places in zip(*drawn, strict=True)]


def _counts(places: np.ndarray) -> np.ndarray:
    """How often each row of places [draws, n], each below n, holds each place, [draws, n]."""
    draws, n = places.shape
    flat = (places + n * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * n).reshape(draws, n).astype(np.float64)
