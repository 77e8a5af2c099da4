"""Calibration: whether predictions made with confidence p are right in a share p of cases (Guo et
al. 2017).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from robustgen.stats import intervals
from robustgen.stats.intervals import Difference, Interval, Rate

BINS = 15


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
    """Count, mean confidence and accuracy in bins of equal width; bin b holds confidences in (b /
    bins, (b + 1) / bins].
    """
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
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
    found = _pivot(
        intervals.bootstrap(
            lambda sample: _ece(sample, bins), np.stack([confidence, correct], axis=1)
        )
    )
    return Rate(found.value, max(0.0, found.low), min(1.0, max(found.value, found.high)))


def ece_difference(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], bins: int = BINS
) -> Difference:
    """ECE of ours - ECE of theirs, (confidence, correct) each and image by image, with a bootstrap
    interval over images.
    """
    rows = np.stack([*ours, *theirs], axis=1)
    drawn = intervals.bootstrap(
        lambda sample: _ece(sample[:, :2], bins) - _ece(sample[:, 2:], bins), rows
    )
    return Difference(*_pivot(drawn))


def brier(confidence: np.ndarray, correct: np.ndarray) -> Rate:
    """Brier score of the event that the prediction is right, mean of (confidence - correct)^2; it
    has no bins and no bias.
    """
    return Rate(*intervals.mean((confidence - correct) ** 2))


def _ece(pairs: np.ndarray, bins: int) -> float:
    """ECE of pairs [n,2] of confidence and correctness."""
    n, confidence, accuracy = reliability(pairs[:, 0], pairs[:, 1], bins)
    return float((n * np.abs(accuracy - confidence)).sum() / len(pairs))


def _pivot(found: Interval) -> Interval:
    """The percentile interval turned about the value, 2 value - bounds.

    A resample's ECE lies above the sample's for the same reason for which the sample's lies above
    the truth. Percentiles hold that bias twice (and then cover the truth in 60 % of samples instead
    of 95 %); turned about, they take it back.
    """
    return Interval(found.value, 2 * found.value - found.high, 2 * found.value - found.low)
