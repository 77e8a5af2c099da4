"""Gaussian kernel densities, with a bandwidth chosen by leave-one-out likelihood.

Functions that take `xp` compute with that library's arrays, numpy's or torch's, so that an attack
can differentiate what a detector computes without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused

GRID = np.logspace(-2, 1, 25)  # bandwidths tried, in units of the typical distance between points


def squared_distances(a: Any, b: Any) -> Any:
    """|a_i - b_j|^2 [n,m] of points [n,d] and [m,d], by one matrix product around the mean of b."""
    centre = b.mean(0)
    a, b = a - centre, b - centre
    return ((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T).clip(0)


def log_density(x: Any, points: Any, h: float, xp: Any = np) -> Any:
    """log p(x) [n] under the mean of Gaussians of standard deviation h around points [m,d]."""
    m, d = points.shape
    return log_sum_exp(-squared_distances(x, points) / (2 * h**2), xp) - _log_norm(m, d, h)


def log_sum_exp(a: Any, xp: Any = np) -> Any:
    """log sum_j exp(a_ij) [n]."""
    top = xp.amax(a, axis=1)
    return top + xp.log(xp.exp(a - top[:, None]).sum(1))


def bandwidth(groups: Sequence[np.ndarray]) -> float:
    """The h of largest mean leave-one-out log-likelihood over groups of points [m,d], each with a
    density of its own.
    """
    distances = [squared_distances(points, points) for points in groups if len(points) > 1]
    if not distances:
        raise Refused(
            "A kernel density needs a class with two reference images at least; raise "
            "datasets.*.evaluate.reference."
        )
    scale = float(
        np.sqrt(np.median(np.concatenate([d2[~np.eye(len(d2), dtype=bool)] for d2 in distances])))
    )
    if not np.isfinite(scale) or scale == 0:
        raise Refused(
            "The features of the reference images are constant or not finite; they carry no "
            "density."
        )
    dimension = groups[0].shape[1]
    for d2 in distances:
        np.fill_diagonal(d2, np.inf)
    return float(
        max(scale * GRID, key=lambda h: sum(_left_out(d2, dimension, h) for d2 in distances))
    )


def _left_out(d2: np.ndarray, dimension: int, h: float) -> float:
    """Sum over points of the log-density that the other points of the group give them."""
    return float((log_sum_exp(-d2 / (2 * h**2)) - _log_norm(len(d2) - 1, dimension, h)).sum())


def _log_norm(m: int, d: int, h: float) -> float:
    return float(np.log(m) + d / 2 * np.log(2 * np.pi * h**2))
