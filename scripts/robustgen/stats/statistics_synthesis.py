"""Statistics of claims on synthesis: what one net makes beside another, on the same starts; the
columns of an image are compared where both nets have it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from robustgen.stats.cells import last
from robustgen.stats.intervals import Interval, mean, paired_share_difference, share
from robustgen.stats.rules import NotMeasured

NAMES = ("index", "start")  # columns that tell made images apart; the second of MAGIC alone


def judged(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Share of made images in which the judge sees the wanted class."""
    return share(float(part["judged"].sum()), len(part))


def judged_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """That share minus the one of the net that it is held against."""
    return paired_share_difference(*_both(part, other, "judged"))


def probability_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean probability of the class minus that of the net that it is held against, each by its own
    scores.
    """
    return _difference(part, other, "probability")


def iou_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean intersection over union with the target mask minus that of the other net, over
    sources.
    """
    return _difference(part, other, "iou")


def marginal_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean cosine of -grad E(x) with the denoiser's score minus that of the other net."""
    return _difference(part, other, "marginal")


def joint_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean cosine of grad z_y(x) with the denoiser's score minus that of the other net."""
    return _difference(part, other, "joint")


def psnr_gain(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Mean PSNR minus that of the baseline, on the same images."""
    return mean((part["psnr"] - part["psnr_base"]).to_numpy(np.float64))


def kid_change(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """KID after refinement minus before, over parts of the set."""
    stages = part.pivot(index="part", columns="stage", values="kid")
    return mean((stages["end"] - stages["start"]).to_numpy(np.float64))


def _difference(part: pd.DataFrame, other: pd.DataFrame, column: str) -> Interval:
    mine, theirs = _both(part, other, column)
    return mean(mine - theirs)


def _both(part: pd.DataFrame, other: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of both nets by image, of chains at their end; several starts of one image, which
    are no images of their own, are averaged.
    """
    names = [name for name in NAMES if name in part]
    mine, theirs = (last(one)[[*names, column]] for one in (part, other))
    both = mine.merge(theirs, on=names)
    if both.empty:
        raise NotMeasured("no image that both nets made")
    by_image = both.groupby("index")[[f"{column}_x", f"{column}_y"]].mean()
    return by_image[f"{column}_x"].to_numpy(), by_image[f"{column}_y"].to_numpy()
