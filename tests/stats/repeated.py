"""Shares of several seeds together."""

from robustgen.stats import intervals
from robustgen.stats.intervals import Interval


def shares(*hits: int, n: int) -> Interval:
    return intervals.over_seeds([intervals.share(k, n) for k in hits])[0]
