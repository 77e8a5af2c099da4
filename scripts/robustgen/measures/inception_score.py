"""The Inception score: exp of the mean divergence of an image's classes from those of all."""

from __future__ import annotations

import numpy as np


def inception_score(logits: np.ndarray) -> float:
    """exp E_x KL(p(y|x) || p(y)) of logits [n,K], over all images at once."""
    logits = np.asarray(logits, np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    log_mean = np.log(np.maximum(p.mean(axis=0), np.finfo(float).tiny))
    return float(np.exp((p * (log_p - log_mean)).sum(axis=1).mean()))
