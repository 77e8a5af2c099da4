"""What a detector is rated on: its statistic on attacked and on clean images, in several views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.detect import rates
from robustgen.stats.bootstrap import percentiles, resamples
from robustgen.stats.intervals import Interval, Rate, auroc

# all: every attacked against every clean image. Of images that the net gets right, against these:
# successful: attacked versions that fool it; failed: those that do not
VIEWS = ("all", "successful", "failed")
RUN = ("model", "seed", "detector", "variant")
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Rated:
    """Images of one cell and run; all arrays are [n]."""

    index: np.ndarray
    success: np.ndarray  # 1 where the net errs; of a randomised one the share of draws
    statistic: np.ndarray  # float64

    def where(self, chosen: np.ndarray) -> Rated:
        """The images that a mask chooses."""
        return Rated(self.index[chosen], self.success[chosen], self.statistic[chosen])


@dataclass(frozen=True)
class View:
    """What a view shows, and its clean images' attacked versions, fooling or not."""

    attacked: Rated
    clean: Rated
    versions: Rated

    @cached_property
    def auroc(self) -> Interval:
        """How often an attacked image ranks above a clean one."""
        return auroc(self.attacked.statistic, self.clean.statistic)

    @cached_property
    def threshold_free(self) -> dict[str, Interval]:
        """AUPR and FPR at 95 % TPR, with bootstrap intervals."""
        samples = self.attacked.statistic, self.clean.statistic
        drawn = rates.flagged(*samples, *resamples(tuple(map(len, samples))))
        found = {
            "aupr": percentiles(
                rates.average_precision(*samples), rates.average_precisions(*drawn)
            ),
            "fpr95": percentiles(
                rates.fpr_at_tpr(*samples), rates.fprs_at_tpr(*drawn, n=len(samples[1]))
            ),
        }
        return {name: Rate.of(interval) for name, interval in found.items()}


class Views:
    """The views of each cell and run of a detector's statistics, each made once."""

    def __init__(self, statistics: pd.DataFrame) -> None:
        self.cell = ["attack", *axes_of(statistics)]
        clean = statistics["attack"] == CLEAN
        self.attacked = _parts(statistics[~clean], [*RUN, *self.cell])
        once = statistics[clean].drop_duplicates([*RUN, "index"])
        self.clean = _parts(once, list(RUN))
        self.made: dict[tuple[Key, str], View] = {}

    def view(self, threshold: dict[str, Any], name: str) -> View:
        """What a view shows of the cell and run that a threshold belongs to."""
        run = tuple(threshold[column] for column in RUN)
        key = run + tuple(threshold[column] for column in self.cell)
        if (key, name) not in self.made:
            self.made[key, name] = _view(self.attacked[key], self.clean[run], name)
        return self.made[key, name]


def _parts(rows: pd.DataFrame, by: list[str]) -> dict[Key, Rated]:
    """The images of each combination of values in the columns `by`."""
    index, success, statistic = (
        rows[name].to_numpy(form)
        for name, form in (("index", None), ("success", np.float64), ("statistic", np.float64))
    )
    whole = Rated(index, success, statistic)
    return {key: whole.where(places) for key, places in rows.groupby(by).indices.items()}


def _view(attacked: Rated, clean: Rated, name: str) -> View:
    if name == "all":
        return View(attacked, clean, attacked)
    clean = clean.where(clean.success < 0.5)
    versions = attacked.where(np.isin(attacked.index, clean.index))
    fooled = versions.success >= 0.5
    return View(versions.where(fooled if name == "successful" else ~fooled), clean, versions)
