"""The Frechet distance of two sets of features: that of the Gaussians with their means and
covariances, ||m_a - m_b||^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)).

No square root of a matrix is computed: tr (S_a S_b)^(1/2) is the sum of the singular values of
C_a C_b^T for centred features C over the root of their numbers less one, and it is the sum of the
roots of the eigenvalues of S_a^(1/2) S_b S_a^(1/2). The side that is smaller is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused

Array = NDArray[np.float64]
LEAST = 2  # images of which there is a covariance


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of features a [n,d] and b [m,d]."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    _check(a, b)
    centred_a, centred_b = a - a.mean(axis=0), b - b.mean(axis=0)
    spread = (centred_a**2).sum() / (len(a) - 1) + (centred_b**2).sum() / (len(b) - 1)
    both = _by_images if min(len(a), len(b)) < a.shape[1] else _by_features
    apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(max(0.0, apart + spread - 2 * both(centred_a, centred_b)))


def _by_images(a: Array, b: Array) -> float:
    """tr (S_a S_b)^(1/2) of centred features, by the n x m matrix of their products."""
    values = np.linalg.svd(a @ b.T, compute_uv=False)
    return float(values.sum() / np.sqrt((len(a) - 1) * (len(b) - 1)))


def _by_features(a: Array, b: Array) -> float:
    """The same by d x d covariances."""
    first, second = (part.T @ part / (len(part) - 1) for part in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inside = np.linalg.eigvalsh(root @ second @ root)
    return float(np.sqrt(np.maximum(inside, 0)).sum())


def _check(a: Array, b: Array) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise Refused(f"Features must be [n,d] and [m,d], not {a.shape} and {b.shape}.")
    if min(len(a), len(b)) < LEAST:
        raise Refused(
            f"A Frechet distance needs {LEAST} images on each side, not {min(len(a), len(b))}."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Refused("Features for a Frechet distance are infinite or NaN.")
