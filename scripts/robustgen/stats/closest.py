"""How far the closest adversarial image of each test image lies, over an attack's budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN
from robustgen.stats.bootstrap import bootstrap
from robustgen.stats.cells import at_last_step
from robustgen.stats.intervals import Interval, over_seeds, share
from robustgen.stats.per_image import IMAGE


@dataclass(frozen=True)
class Closest:
    """The images of one model that attacks in one norm met."""

    right: pd.Series  # by seed and index: whether the clean image is right
    distance: pd.Series  # of the closest adversarial image; inf where none was found
    reach: float  # the largest distance that was tried

    @property
    def counted(self) -> pd.Series:
        """The distances of images that are right unattacked; `reach` where none was found."""
        found: pd.Series = self.distance[self.right].clip(upper=self.reach)
        return found

    @property
    def never(self) -> pd.Series:
        """Of the same images, whether no adversarial image was found."""
        found: pd.Series = np.isinf(self.distance[self.right])
        return found


def closest(mine: pd.DataFrame, attacks: list[str], norm: str) -> Closest | None:
    """The closest adversarial images of one model under attacks, of all their cells at the last
    step; None where it has no rows. An image is adversarial where half of the draws are wrong.
    """
    attacked = at_last_step(mine[mine["attack"].isin(attacks)])
    clean = mine[mine["attack"] == CLEAN].set_index(IMAGE)["success"] < 0.5
    if attacked.empty or clean.empty:
        return None
    distance = attacked[norm].where(attacked["success"] >= 0.5, np.inf)
    found = distance.groupby([attacked[name] for name in IMAGE]).min()
    both = pd.concat([clean.rename("right"), found.rename("distance")], axis=1, join="inner")
    finite = attacked["eps"][np.isfinite(attacked["eps"])]
    tried = [*finite, *found[np.isfinite(found)]]  # a budget, or where one has none what it found
    return Closest(both["right"].astype(bool), both["distance"], max(tried, default=np.inf))


def mean(found: Closest) -> Interval:
    """The mean distance with a bootstrap interval over images."""
    return _over(found.counted, partial(_bootstrapped, statistic=_means))


def median(found: Closest) -> Interval:
    """The median distance with a bootstrap interval over images."""
    return _over(found.counted, partial(_bootstrapped, statistic=_medians))


def never(found: Closest) -> Interval:
    """The share of images that are right unattacked for which no adversarial image was found."""
    return _over(found.never, lambda x: share(float(x.sum()), len(x)))


def _over(values: pd.Series, one: Callable[[np.ndarray], Interval]) -> Interval:
    """An interval over the images of a seed, or over seeds; NaN where there is no image."""
    parts = [part.to_numpy(float) for _, part in values.groupby(level="seed")]
    return over_seeds([one(part) for part in parts])[0] if parts else Interval(*[np.nan] * 3)


def _bootstrapped(
    x: np.ndarray, statistic: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Interval:
    return bootstrap(partial(statistic, x), len(x))


def _means(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean of each draw, [draws], of values x [n] that it holds `counts` [draws,n] times."""
    found: np.ndarray = counts @ x / counts.sum(axis=1)
    return found


def _medians(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The median of each draw, [draws]: between the values that reach and that pass half of it."""
    order = np.argsort(x, kind="stable")
    passed = counts[:, order].cumsum(axis=1)
    half = passed[:, -1:] / 2
    low, high = (passed >= half).argmax(axis=1), (passed > half).argmax(axis=1)
    found: np.ndarray = (x[order][low] + x[order][high]) / 2
    return found
