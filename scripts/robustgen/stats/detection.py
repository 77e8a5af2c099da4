"""A detector's rates with intervals, from its statistics per test image and its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CELL, CLEAN
from robustgen.detect import rates
from robustgen.stats.intervals import Interval, auroc, bootstrap, over_seeds, share

AXES = [axis for axis in CELL if axis != "seed"]
CHOICE = ["detector", "protocol", "rule", "searched"]
PART = ["model", "seed", "detector", "temperature", "attack", "eps", "steps", "weight"]
CLEAN_CELL = (CLEAN, 0.0, 0, 0.0)
VIEWS = ("all", "successful")  # every attacked against every clean image; fooled against correctly classified ones

Parts = dict[tuple[Any, ...], pd.DataFrame]  # axes of PART -> rows


def summarise(statistics: pd.DataFrame, thresholds: pd.DataFrame, *, full: bool = False) -> pd.DataFrame:
    """One row per cell, choice of threshold and view, with DR, FPR and AUROC; `full` adds AUPR and FPR at 95 % TPR."""
    parts = dict(list(statistics.groupby(PART, sort=False)))
    groups = thresholds.groupby([*AXES, *CHOICE], sort=False)
    return pd.DataFrame([row for _, group in groups for row in _views(parts, group, full)])


def _views(parts: Parts, group: pd.DataFrame, full: bool) -> Iterator[dict[str, Any]]:
    """The rows of one cell and choice; `group` holds its threshold in each repetition."""
    for view in VIEWS:
        found = [_one(parts, threshold, view, full) for _, threshold in group.iterrows()]
        measured = [rates_of for rates_of in found if rates_of]
        if not measured:
            continue
        row = {name: group.iloc[0][name] for name in [*AXES, *CHOICE]} | {"view": view, "seeds": len(measured)}
        row |= {"temperature": float(group["temperature"].median()), "threshold": float(group["threshold"].mean())}
        row |= {"n": sum(one["n"] for one in measured), "n_clean": sum(one["n_clean"] for one in measured)}
        for name in (key for key, value in measured[0].items() if isinstance(value, Interval)):
            interval, over = over_seeds([one[name] for one in measured])
            row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high, "over": over}
        yield row


def _one(parts: Parts, threshold: pd.Series, view: str, full: bool) -> dict[str, Any]:
    """The rates of one repetition; empty where the view has no image."""
    attacked, clean = _shown(parts, threshold, view)
    if not len(attacked) or not len(clean):
        return {}
    row: dict[str, Any] = {"n": len(attacked), "n_clean": len(clean)}
    row["dr"] = share(int((attacked >= threshold["threshold"]).sum()), len(attacked))
    row["fpr"] = share(int((clean >= threshold["threshold"]).sum()), len(clean))
    row["auroc"] = auroc(attacked, clean)
    return row | (_threshold_free(attacked.tobytes(), clean.tobytes()) if full else {})


@cache
def _threshold_free(attacked: bytes, clean: bytes) -> dict[str, Interval]:
    """AUPR and FPR at 95 % TPR; kept, for every rule of a cell asks for the same."""
    samples = np.frombuffer(attacked), np.frombuffer(clean)
    return {"aupr": bootstrap(rates.average_precision, *samples), "fpr95": bootstrap(rates.fpr_at_tpr, *samples)}


def _shown(parts: Parts, threshold: pd.Series, view: str) -> tuple[np.ndarray, np.ndarray]:
    """The statistic of attacked and of clean images that a view shows."""
    run, cell = tuple(threshold[name] for name in PART[:4]), tuple(threshold[name] for name in PART[4:])
    attacked, clean = parts[run + cell], parts[run + CLEAN_CELL].drop_duplicates("index")
    if view == "successful":
        clean = clean[~clean["success"]]
        attacked = attacked[attacked["success"] & attacked["index"].isin(clean["index"])]
    return attacked["statistic"].to_numpy(np.float64), clean["statistic"].to_numpy(np.float64)
