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
    return float(average_precisions(*flagged(attacked, clean))[0])


def fpr_at_tpr(attacked: Scores, clean: Scores, tpr: float = 0.95) -> float:
    """The smallest false positive rate of a threshold that flags at least the share `tpr` of
    attacked images.
    """
    return float(fprs_at_tpr(*flagged(attacked, clean), n=len(clean), tpr=tpr)[0])


def flagged(
    attacked: Scores,
    clean: Scores,
    attacked_often: np.ndarray | None = None,
    clean_often: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How many attacked and clean images each resample flags at each value of attacked ones as the
    threshold, falling, [draws, thresholds] each.

    A resample is how often it holds each image, [draws, n]; by default the sample itself.
    """
    refuse_bad(attacked=attacked, clean=clean)
    thresholds = np.unique(attacked)[::-1]
    hits = _reaching(attacked, thresholds, attacked_often)
    return hits, _reaching(clean, thresholds, clean_often)


def average_precisions(hits: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Area under precision over recall of each resample, [draws]."""
    precision = hits / np.maximum(hits + false, 1)
    found: np.ndarray = (np.diff(hits, prepend=0.0) * precision).sum(axis=1) / hits[0, -1]
    return found


def fprs_at_tpr(hits: np.ndarray, false: np.ndarray, *, n: int, tpr: float = 0.95) -> np.ndarray:
    """FPR of each resample of n clean images at the highest threshold that flags the share `tpr`
    of attacked ones, [draws].
    """
    kept = int(np.ceil(round(tpr * hits[0, -1], 9)))
    found: np.ndarray = false[np.arange(len(false)), np.argmax(hits >= kept, axis=1)] / n
    return found


def _reaching(statistic: Scores, thresholds: np.ndarray, often: np.ndarray | None) -> np.ndarray:
    """How many images of each resample have a statistic >= each threshold, [draws, thresholds]."""
    often = np.ones((1, len(statistic))) if often is None else often
    order = np.argsort(-statistic, kind="stable")
    total = np.pad(np.cumsum(often[:, order], axis=1), ((0, 0), (1, 0)))
    below = np.searchsorted(statistic[order][::-1], thresholds, side="left")
    found: np.ndarray = total[:, len(statistic) - below]
    return found


def refuse_bad(**samples: Scores) -> None:
    """Refuse an empty sample and one with infinite or NaN values."""
    for name, values in samples.items():
        if not len(values):
            raise Refused(f"There are no {name} images to rate a detector on.")
        if not np.isfinite(values).all():
            raise Refused(f"The statistic of {name} images holds infinite or NaN values.")
