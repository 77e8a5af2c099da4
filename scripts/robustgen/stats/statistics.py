"""What claims are judged by: each statistic is of one cell in one repetition and of the rows that
it is held against.

Every function of a `statistics*.py` of this folder whose name has no underscore in front is a
statistic; a chapter adds its own in a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from robustgen.stats import calibration, intervals
from robustgen.stats.bootstrap import bootstrap
from robustgen.stats.cells import last
from robustgen.stats.intervals import Interval
from robustgen.stats.rules import NotMeasured


def energy_change(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean of E(attacked) - E(clean), image by image, at the last step."""
    return intervals.mean((_by_image(last(part)) - _by_image(other)).to_numpy())


def largest_rise_between_steps(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """The largest mean change of E between consecutive positive step counts; below 0 where E falls
    all along.
    """
    energies = [_by_image(rows) for rows in _by_steps(part)]
    changes = [intervals.mean((b - a).to_numpy()) for a, b in pairwise(energies)]
    if not changes:
        raise NotMeasured("the attack has fewer than two positive step counts")
    return max(changes)


def auroc(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """AUROC of -E between attacked images at the last step and clean ones."""
    return intervals.auroc(-last(part)["energy"].to_numpy(), -other["energy"].to_numpy())


def success_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean difference, image by image, of being fooled by the attack and by the one it is held
    against.
    """
    ours, theirs = _paired(part, other)
    return intervals.paired_share_difference(
        ours["success"].to_numpy(float), theirs["success"].to_numpy(float)
    )


def drift_ratio(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """|mean change of E from the first to the last step count| over that of the attack it is held
    against.
    """
    drift = _drift(part)
    ours, theirs = drift.to_numpy(float), _drift(other).reindex(drift.index).to_numpy(float)
    return bootstrap(lambda often: np.abs(often @ ours) / np.abs(often @ theirs), len(drift))


def spread_ratio(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Standard deviation of E over attacked images at the last step, over that of clean ones."""
    ours, theirs = (rows["energy"].to_numpy(np.float64) for rows in _paired(part, other))
    if not theirs.std():
        raise NotMeasured("the energies of clean images are constant")
    return bootstrap(lambda often: _spread(ours, often) / _spread(theirs, often), len(ours))


def low_marginal_high_joint(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Share of images with E(attacked) < E(clean) and E(attacked, y) > E(clean, y), at the last
    step.
    """
    ours, theirs = _paired(part, other)
    hits = (ours["energy"] < theirs["energy"]) & (ours["energy_y"] > theirs["energy_y"])
    return intervals.share(int(hits.sum()), len(hits))


def errors_left_clean(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Share, among images that are misclassified before the attack, of those that it returns as
    they are (L_inf distance 0).
    """
    ours, theirs = _paired(part, other)
    wrong = ours[theirs["success"].to_numpy() >= 0.5]
    if wrong.empty:
        raise NotMeasured("no clean image is misclassified")
    return intervals.share(int((wrong["linf"] == 0).sum()), len(wrong))


def accuracy_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Accuracy of this net - accuracy of the net it is held against, on the same images, at the
    last step.
    """
    ours, theirs = _paired(part, other)
    return intervals.paired_share_difference(
        1 - ours["success"].to_numpy(float), 1 - theirs["success"].to_numpy(float)
    )


def ece_reduction(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """ECE (expected calibration error, 15 bins) of the net it is held against - ECE of this net, on
    the same images.
    """
    ours, theirs = _paired(part, other)
    return calibration.ece_difference(_calibrated(theirs), _calibrated(ours))


def _calibrated(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return calibration.confidence_of(rows), 1 - rows["success"].to_numpy(float)


def _spread(values: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Standard deviation of each resample of values [n], [draws]."""
    about = values - values.mean()
    variance = often @ about**2 / len(values) - (often @ about / len(values)) ** 2
    return np.sqrt(np.maximum(variance, 0.0))


def _paired(part: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both at the last step, one per image and in the same order."""
    ours, theirs = last(part).set_index("index"), last(other).set_index("index")
    return ours, theirs.loc[ours.index]


def _drift(rows: pd.DataFrame) -> pd.Series:
    """Per image E at the last minus E at the first positive step count."""
    steps = list(_by_steps(rows))
    change: pd.Series = _by_image(steps[-1]) - _by_image(steps[0])
    return change


def _by_steps(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (group for steps, group in rows.groupby("steps", sort=True) if steps > 0)


def _by_image(rows: pd.DataFrame) -> pd.Series:
    energies: pd.Series = rows.set_index("index")["energy"]
    return energies
