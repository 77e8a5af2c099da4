"""The Frechet distance of two sets of features: that of the Gaussians with their means and
covariances, ||m_a - m_b||^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)).

No square root of a matrix is computed: tr (S_a S_b)^(1/2) is the sum of the singular values of
C_a C_b^T for centred features C over the root of their numbers less one, and it is the sum of the
roots of the eigenvalues of S_a^(1/2) S_b S_a^(1/2). The side that is smaller is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from robustgen.core.refusal import Refused

Array = NDArray[np.float64]
LEAST = 2  # images of which there is a covariance
DIGITS = 1e-10  # of a sum of singular values, relative: more are not lost


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
    rank = min(len(a), len(b)) - 1  # at most, for the rows of each sum to zero
    # more threads gain a tenth, and lose tenfold where other jobs run
    with threadpool_limits(1, user_api="blas"):
        total = _sum_of_singular_values(a @ b.T, rank)
    return float(total / np.sqrt((len(a) - 1) * (len(b) - 1)))


def _sum_of_singular_values(m: Array, rank: int) -> float:
    """The sum of the `rank` largest: roots of the eigenvalues of m m^T, which take half the time,
    unless squares lose too many digits of it.
    """
    m = m if len(m) <= len(m.T) else m.T
    squares = np.linalg.eigvalsh(m @ m.T)[-rank:]
    if squares[0] > 0:
        roots = np.sqrt(squares)
        lost = np.finfo(np.float64).eps * squares[-1] * (1 / roots).sum()
        if lost <= DIGITS * roots.sum():
            return float(roots.sum())
    return float(np.linalg.svd(m, compute_uv=False)[:rank].sum())


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
