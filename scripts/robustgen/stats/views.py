"""What a detector is rated on: its statistic on attacked and on clean images, in several views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.detect import rates
from robustgen.stats.intervals import Interval, Rate, auroc, bootstrap

# all: every attacked against every clean image. Of images that the net gets right, against these:
# successful: attacked versions that fool it; failed: those that do not
VIEWS = ("all", "successful", "failed")
RUN = ("model", "seed", "detector", "variant")
Key = tuple[Any, ...]


@dataclass(frozen=True)
class View:
    """The statistics of a view, and its clean images' attacked versions, fooling or not."""

    attacked: np.ndarray  # statistic, float64 [n]
    clean: np.ndarray  # statistic, float64 [n_clean]
    versions: pd.DataFrame  # index, success, statistic

    @cached_property
    def auroc(self) -> Interval:
        """How often an attacked image ranks above a clean one."""
        return auroc(self.attacked, self.clean)

    @cached_property
    def threshold_free(self) -> dict[str, Interval]:
        """AUPR and FPR at 95 % TPR, with bootstrap intervals."""
        samples, sizes = (self.attacked, self.clean), (len(self.attacked), len(self.clean))

        def aupr(*often: np.ndarray) -> np.ndarray:
            return rates.average_precisions(*rates.flagged(*samples, *often))

        def fpr95(*often: np.ndarray) -> np.ndarray:
            return rates.fprs_at_tpr(*rates.flagged(*samples, *often), n=sizes[1])

        return {one.__name__: Rate.of(bootstrap(one, *sizes)) for one in (aupr, fpr95)}


class Views:
    """The views of each cell and run of a detector's statistics, each made once."""

    def __init__(self, statistics: pd.DataFrame) -> None:
        self.cell = ["attack", *axes_of(statistics)]
        attacked = statistics[statistics["attack"] != CLEAN]
        clean = statistics[statistics["attack"] == CLEAN].drop_duplicates([*RUN, "index"])
        self.attacked = dict(list(attacked.groupby([*RUN, *self.cell], sort=False)))
        self.clean = dict(list(clean.groupby(list(RUN), sort=False)))
        self.made: dict[tuple[Key, str], View] = {}

    def view(self, threshold: pd.Series | dict[str, Any], name: str) -> View:
        """What a view shows of the cell and run that a threshold belongs to."""
        run = tuple(threshold[column] for column in RUN)
        key = run + tuple(threshold[column] for column in self.cell)
        if (key, name) not in self.made:
            self.made[key, name] = _view(self.attacked[key], self.clean[run], name)
        return self.made[key, name]


def _view(attacked: pd.DataFrame, clean: pd.DataFrame, name: str) -> View:
    versions = shown = attacked
    if name != "all":
        clean = clean[clean["success"] < 0.5]
        versions = attacked[attacked["index"].isin(clean["index"])]
        fooled = versions["success"] >= 0.5
        shown = versions[fooled if name == "successful" else ~fooled]
    statistic = [rows["statistic"].to_numpy(np.float64) for rows in (shown, clean)]
    return View(*statistic, versions[["index", "success", "statistic"]])
