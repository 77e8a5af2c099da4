"""Calibration: whether predictions made with confidence p are right in a share p of cases (Guo et
al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from robustgen.stats import intervals
from robustgen.stats.bootstrap import bootstrap
from robustgen.stats.intervals import Difference, Interval, Rate

if TYPE_CHECKING:
    import pandas as pd

BINS = 15
Ece = Callable[[np.ndarray], np.ndarray]  # how often draws hold images [draws, n] -> [draws]


class Reliability(NamedTuple):
    """Images per bin of confidence, from low to high, each [bins]; an empty bin holds zeros."""

    n: np.ndarray
    confidence: np.ndarray  # mean of the bin's images
    accuracy: np.ndarray


def confidence_of(rows: pd.DataFrame) -> np.ndarray:
    """max_k p(k|x) = exp(max_k z_k + E(x)) of each row; at most 1, which rounding could exceed."""
    return np.minimum(
        np.exp(rows["max_logit"].to_numpy(np.float64) + rows["energy"].to_numpy(np.float64)), 1.0
    )


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Reliability:
    """Count, mean confidence and accuracy in bins of equal width."""
    place = _bin(confidence, bins)
    n = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (confidence, correct)]
    return Reliability(n, *(total / np.maximum(n, 1) for total in sums))


def ece(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Rate:
    """Expected calibration error, sum_b n_b / n |accuracy_b - confidence_b|, with a bootstrap
    interval over images.

    It is biased upwards, the more the fewer images a bin holds: chance alone parts accuracy from
    confidence, and |.| lets nothing cancel. A perfectly calibrated net whose images spread over all
    bins shows about 0.07 on 300 of them, 0.012 on 10,000.
    """
    found = Rate.of(_pivot(bootstrap(_ece(confidence, correct, bins), len(correct))))
    bounded = Rate(found.value, max(0.0, found.low), min(1.0, max(found.value, found.high)))
    return bounded.under(found.law)


def ece_difference(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], bins: int = BINS
) -> Difference:
    """ECE of ours - ECE of theirs, (confidence, correct) each and image by image, with a bootstrap
    interval over images.
    """
    mine, others = _ece(*ours, bins), _ece(*theirs, bins)
    found = bootstrap(lambda often: mine(often) - others(often), len(ours[0]))
    return Difference.of(_pivot(found))


def brier(confidence: np.ndarray, correct: np.ndarray) -> Rate:
    """Brier score of the event that the prediction is right, mean of (confidence - correct)^2; it
    has no bins and no bias.
    """
    return Rate.of(intervals.mean((confidence - correct) ** 2))


def _ece(confidence: np.ndarray, correct: np.ndarray, bins: int) -> Ece:
    """The ECE of each resample, sum_b |sum over b's images of (correct - confidence)| / n, as a
    function of how often each holds each image.
    """
    held = _bin(confidence, bins)[:, None] == np.arange(bins)
    gaps = np.where(held, (correct - confidence)[:, None], 0.0)  # [n, bins]
    return lambda often: np.abs(often @ gaps).sum(axis=1) / len(gaps)


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each confidence; bin b holds those in (b / bins, (b + 1) / bins]."""
    return np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)


def _pivot(found: Interval) -> Interval:
    """The percentile interval turned about the value, 2 value - bounds.

    A resample's ECE lies above the sample's for the same reason for which the sample's lies above
    the truth. Percentiles hold that bias twice (and then cover the truth in 60 % of samples instead
    of 95 %); turned about, they take it back.
    """
    turned = Interval(found.value, 2 * found.value - found.high, 2 * found.value - found.low)
    return turned.under(lambda margin: found.p(2 * found.value - margin))
