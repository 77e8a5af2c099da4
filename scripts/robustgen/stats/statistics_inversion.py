"""Statistics of claims on GAN inversion: how errors, distances and FID change from one setting of
the search to another, on the same images.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from robustgen.stats.bootstrap import bootstrap
from robustgen.stats.cells import STEPS, last
from robustgen.stats.intervals import Interval, mean, paired_share_difference
from robustgen.stats.inverted import per_image
from robustgen.stats.rules import NotMeasured

MIDDLE = 5  # of the orders of interpolation


def error_change_with_lambda(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Error at the next larger lambda minus error at this one."""
    return _errors(_next_lambda(part, other), last(part))


def distance_change_with_lambda(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """In-domain perceptual distance at the next larger lambda minus that at this one."""
    return _distances(_next_lambda(part, other), last(part))


def error_change_with_steps(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Error at the most steps minus error at the fewest."""
    return _errors(last(part), _fewest(part))


def distance_change_with_steps(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """In-domain perceptual distance at the most steps minus that at the fewest."""
    return _distances(last(part), _fewest(part))


def relative_distance_change_with_steps(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """In-domain perceptual distance at the most steps over that at the fewest, less 1."""
    late, early = _shared(last(part), _fewest(part), "inside")

    def ratio(counts: np.ndarray) -> np.ndarray:
        found: np.ndarray = counts @ late / (counts @ early) - 1
        return found

    return bootstrap(ratio, len(late))


def error_change_with_codes(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Error of a variant with further codes minus that without, at the same lambda."""
    return _errors(last(part), _without_codes(part, other))


def distance_change_with_codes(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """In-domain perceptual distance with further codes minus that without."""
    return _distances(last(part), _without_codes(part, other))


def error_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Error minus that of what it is held against."""
    return _errors(last(part), last(other))


def fid_gap(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Mean over classes of out-of-domain minus in-domain FID."""
    return mean(last(part)["fid_gap"].to_numpy())


def fid_gap_change_with_lambda(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean over classes of the FID gap at the next larger lambda minus that at this one."""
    both = [one.set_index("class")["fid_gap"] for one in (_next_lambda(part, other), last(part))]
    return mean((both[0] - both[1]).dropna().to_numpy())


def middle_over_ends(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Mean over images of the distance half way between two codes minus that at its ends."""
    line = _line(part)
    return mean((line[MIDDLE] - (line[0] + line[2 * MIDDLE]) / 2).to_numpy())


def middle_over_other_classes(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean distance half way between two codes over that of other classes' reconstructions, minus
    the same of the model that it is held against.
    """
    mine, theirs = (_line(rows) for rows in (part, other))
    shared = mine.index.intersection(theirs.index)
    if shared.empty:
        raise NotMeasured("no image that both sides have")
    columns = [one.loc[shared, name].to_numpy() for one in (mine, theirs)
               for name in (MIDDLE, "outside")]  # fmt: skip

    def ratio(counts: np.ndarray) -> np.ndarray:
        middle, outside, other_middle, other_outside = (counts @ one for one in columns)
        found: np.ndarray = middle / outside - other_middle / other_outside
        return found

    return bootstrap(ratio, len(shared))


def _line(rows: pd.DataFrame) -> pd.DataFrame:
    """Distances along the line, a column per order, and `outside`; by image."""
    line = rows[rows["path"] == "linear"]
    table = line.pivot(index="index", columns="k", values="distance")
    return table.assign(outside=line.groupby("index")["outside"].first())


def _next_lambda(part: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The rows of the same variant at the next larger weight, and at the most steps."""
    same = other[other["plus"] == part["plus"].iloc[0]]
    larger = same[same["lambda_"] > part["lambda_"].iloc[0]]
    if larger.empty:
        raise NotMeasured("no larger lambda")
    return last(larger[larger["lambda_"] == larger["lambda_"].min()])


def _fewest(part: pd.DataFrame) -> pd.DataFrame:
    if part[STEPS].nunique() < 2:
        raise NotMeasured("one number of steps alone")
    return part[part[STEPS] == part[STEPS].min()]


def _without_codes(part: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    if not part["plus"].iloc[0]:
        raise NotMeasured("a variant without further codes")
    plain = other[~other["plus"].astype(bool)]
    plain = plain[plain["lambda_"] == part["lambda_"].iloc[0]]
    if plain.empty:
        raise NotMeasured("no variant without further codes at this lambda")
    return last(plain)


def _errors(mine: pd.DataFrame, theirs: pd.DataFrame) -> Interval:
    one, other = _shared(mine, theirs, "wrong")
    return paired_share_difference(one, other)


def _distances(mine: pd.DataFrame, theirs: pd.DataFrame) -> Interval:
    one, other = _shared(mine, theirs, "inside")
    return mean(one - other)


def _shared(mine: pd.DataFrame, theirs: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of both on the images that they share."""
    both = pd.concat([per_image(mine)[column], per_image(theirs)[column]], axis=1, join="inner")
    if both.empty:
        raise NotMeasured("no image that both sides have")
    return both.iloc[:, 0].to_numpy(np.float64), both.iloc[:, 1].to_numpy(np.float64)
