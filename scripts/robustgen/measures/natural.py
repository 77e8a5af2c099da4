"""How unlike clean images the scores of an image are: statistics fitted on clean images alone.

`columns` are arrays [n] by name, of numpy or, with xp=torch, of torch, so that an attack can
differentiate what a detector computes; a higher statistic means less like clean images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.measures.density import bandwidth, log_density

Columns = dict[str, Any]
NAMES = ("energy", "max_logit", "top_margin")
INNER = (0.025, 0.975)  # quantiles of clean energies that lie at distance 1


@dataclass(frozen=True)
class TwoSided:
    """|E(x) - median| in units of the spread of clean images, taken on the side where E(x) lies."""

    median: float
    below: float
    above: float

    @classmethod
    def fit(cls, columns: Columns) -> TwoSided:
        """The statistic for clean images with these energies."""
        low, median, high = np.quantile(columns["energy"], [INNER[0], 0.5, INNER[1]])
        if not low < median < high:
            raise Refused(
                "The energies of clean images are constant; a two-sided threshold has no scale."
            )
        return cls(float(median), float(median - low), float(high - median))

    def __call__(self, columns: Columns, xp: Any = np) -> Any:
        """The statistic [n]."""
        d = columns["energy"] - self.median
        return xp.where(d < 0, -d / self.below, d / self.above)


@dataclass(frozen=True)
class OneClass:
    """-log p of (E(x), max logit, margin of the two largest) under a kernel density of clean
    images, whitened.
    """

    mean: np.ndarray  # [3]
    whitening: np.ndarray  # [3,3]
    points: np.ndarray  # [m,3]
    h: float

    @classmethod
    def fit(cls, columns: Columns) -> OneClass:
        """The statistic for clean images with these columns."""
        raw = np.stack([columns[name] for name in NAMES], axis=1).astype(np.float64)
        covariance = np.cov(raw.T)
        if len(raw) < 10 or np.linalg.matrix_rank(covariance) < len(NAMES):
            raise Refused(
                "Energy, largest logit and margin of clean images span no volume; a density "
                "of them does not exist."
            )
        mean, whitening = raw.mean(axis=0), np.linalg.cholesky(np.linalg.inv(covariance))
        points = (raw - mean) @ whitening
        return cls(mean, whitening, points, bandwidth([points]))

    def __call__(self, columns: Columns, xp: Any = np) -> Any:
        """The statistic [n]."""
        raw = xp.stack([columns[name] for name in NAMES], 1)
        mean, whitening, points = (
            xp.asarray(a, dtype=xp.float64, device=raw.device)
            for a in (self.mean, self.whitening, self.points)
        )
        return -log_density((raw - mean) @ whitening, points, self.h, xp)


STATISTICS: dict[str, type[TwoSided] | type[OneClass]] = {
    "two_sided": TwoSided,
    "one_class": OneClass,
}


def halves(columns: Columns) -> tuple[Columns, Columns]:
    """Every other image, and the rest: one to fit a statistic, one to choose its threshold."""
    even = {name: values[::2] for name, values in columns.items()}
    return even, {name: values[1::2] for name, values in columns.items()}
