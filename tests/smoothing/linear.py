"""A linear classifier of two classes, of which everything about smoothing is known in closed form.

With scores z = (0, m(x)), m(x) = w.x + b, log p(1|x) = log s(m) and log p(0|x) = log s(-m), where
s is the logistic function. Under noise N(0, sigma^2) m is normal with mean m(x) and standard
deviation sigma |w|, so that expectations are integrals over one normal variable.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from robustgen.nets.classifier import Wrapped

SHAPE = (1, 4, 4)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def weights(seed: int = 0) -> Tensor:
    """w [1,4,4]."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def linear(w: Tensor, b: float = 0.0) -> Wrapped:
    """The classifier with scores (0, w.x + b)."""

    def scores(x: Tensor) -> Tensor:
        m = (x * w).flatten(1).sum(dim=1) + b
        return torch.stack([torch.zeros_like(m), m], dim=1)

    return Wrapped(scores)


def margin(w: Tensor, x: Tensor, b: float = 0.0) -> np.ndarray:
    """m(x) [n]."""
    found: np.ndarray = ((x * w).flatten(1).sum(dim=1) + b).double().numpy()
    return found


def expected(
    function: Callable[[np.ndarray], np.ndarray], mean: np.ndarray, deviation: float
) -> np.ndarray:
    """E f(m) [n] for normal m, by Gauss-Hermite quadrature."""
    found: np.ndarray = function(mean[:, None] + deviation * NODES) @ WEIGHTS / WEIGHTS.sum()
    return found


def log_logistic(m: np.ndarray) -> np.ndarray:
    """log s(m)."""
    return -np.logaddexp(0, -m)
