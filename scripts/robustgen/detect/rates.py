"""Rates of a detector from its statistic on attacked and on clean images; a higher statistic means
attacked.
"""

from __future__ import annotations

import numpy as np

from robustgen.core.refusal import Refused

Scores = np.ndarray


def curve(attacked: Scores, clean: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(thresholds, TPR, FPR) at every threshold that changes a decision; an image is flagged at
    statistic >= threshold.
    """
    refuse_bad(attacked=attacked, clean=clean)
    thresholds = np.unique(np.concatenate([attacked, clean]))[::-1]
    return thresholds, share_at_least(attacked, thresholds), share_at_least(clean, thresholds)


def share_at_least(statistic: Scores, thresholds: np.ndarray) -> np.ndarray:
    """The share of images whose statistic reaches each threshold."""
    return 1 - np.searchsorted(np.sort(statistic), thresholds, side="left") / len(statistic)


def auroc(attacked: Scores, clean: Scores) -> float:
    """P(attacked > clean) + P(equal) / 2, by ranks."""
    refuse_bad(attacked=attacked, clean=clean)
    ordered = np.sort(clean)
    below, upto = (
        np.searchsorted(ordered, attacked, side="left"),
        np.searchsorted(ordered, attacked, side="right"),
    )
    return float((below + upto).mean() / (2 * len(clean)))


def average_precision(attacked: Scores, clean: Scores) -> float:
    """Area under precision over recall, as the step sum of precision at each new recall."""
    _, tpr, fpr = curve(attacked, clean)
    hits, false = tpr * len(attacked), fpr * len(clean)
    return float(np.sum(np.diff(tpr, prepend=0.0) * hits / np.maximum(hits + false, 1)))


def fpr_at_tpr(attacked: Scores, clean: Scores, tpr: float = 0.95) -> float:
    """The smallest false positive rate of a threshold that flags at least the share `tpr` of
    attacked images.
    """
    refuse_bad(attacked=attacked, clean=clean)
    kept = int(np.ceil(round(tpr * len(attacked), 9)))
    threshold = np.sort(attacked)[len(attacked) - kept]
    return float((clean >= threshold).mean())


def refuse_bad(**samples: Scores) -> None:
    """Refuse an empty sample and one with infinite or NaN values."""
    for name, values in samples.items():
        if not len(values):
            raise Refused(f"There are no {name} images to rate a detector on.")
        if not np.isfinite(values).all():
            raise Refused(f"The statistic of {name} images holds infinite or NaN values.")
