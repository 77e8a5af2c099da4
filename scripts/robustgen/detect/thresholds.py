"""Thresholds: by Youden's J, by the G-mean, or by a stated false positive rate on clean images."""

from __future__ import annotations

import numpy as np

from robustgen.detect.rates import Scores, curve, refuse_bad


def youden(attacked: Scores, clean: Scores) -> float:
    """The threshold of largest TPR - FPR: what the authors' code does."""
    thresholds, tpr, fpr = curve(attacked, clean)
    return float(thresholds[np.argmax(tpr - fpr)])


def gmean(attacked: Scores, clean: Scores) -> float:
    """The threshold of largest sqrt(TPR (1 - FPR)): what the paper says."""
    thresholds, tpr, fpr = curve(attacked, clean)
    return float(thresholds[np.argmax(tpr * (1 - fpr))])


def at_fpr(clean: Scores, fpr: float) -> float:
    """The lowest threshold that flags at most the share `fpr` of clean images; it has seen no
    attack.
    """
    refuse_bad(clean=clean)
    allowed = int(np.floor(round(fpr * len(clean), 9)))
    descending = np.sort(clean)[::-1]
    return float(np.nextafter(descending[allowed], np.inf)) if allowed < len(clean) else -np.inf
