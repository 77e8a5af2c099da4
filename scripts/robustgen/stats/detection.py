"""A detector's rates with intervals, from its statistics per test image and its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CELL, CLEAN
from robustgen.detect import rates
from robustgen.stats.intervals import Interval, Rate, auroc, bootstrap, over_seeds, share

AXES = [axis for axis in CELL if axis != "seed"]
CHOICE = ["detector", "protocol", "rule", "shown"]
PART = ["model", "seed", "detector", "variant", "attack", "eps", "steps", "weight"]
CLEAN_CELL = (CLEAN, 0.0, 0, 0.0)
# every attacked against every clean image; fooled against correctly classified ones
VIEWS = ("all", "successful")

Parts = dict[tuple[Any, ...], pd.DataFrame]  # axes of PART -> rows


def summarise(
    statistics: pd.DataFrame, thresholds: pd.DataFrame, *, full: bool = False
) -> pd.DataFrame:
    """One row per cell, choice of threshold and view, with rates of detection; `full` adds AUPR and
    FPR at 95 % TPR.

    DR and FPR are shares of flagged images, `fooled` is the share of clean images whose attacked
    version fools the net. Joint success is the share of clean images (in `successful`: of those
    that the net gets right) whose attacked version fools the net and is not flagged: what a
    defender must fear. A detector that could not be fitted has no row.
    """
    parts = dict(list(statistics.groupby(PART, sort=False)))
    groups = thresholds[thresholds["why"] == ""].groupby([*AXES, *CHOICE], sort=False)
    found = pd.DataFrame([row for _, group in groups for row in _views(parts, group, full)])
    return found if len(found) else pd.DataFrame(columns=_columns(full))


def _columns(full: bool) -> list[str]:
    """The columns of a summary, which one without a row has too."""
    rates_ = ("dr", "fpr", "auroc", "fooled", "joint", *(("aupr", "fpr95") if full else ()))
    bounds = [f"{name}{end}" for name in rates_ for end in ("", "_low", "_high")]
    return [
        *AXES,
        *CHOICE,
        "view",
        "seeds",
        "variant",
        "threshold",
        "n",
        "n_clean",
        *bounds,
        "over",
    ]


def headline(thresholds: pd.DataFrame) -> pd.DataFrame:
    """The rows of the one threshold for all attacks."""
    return thresholds[
        (thresholds["protocol"] == "sound")
        & ((thresholds["shown"] != "") | (thresholds["why"] != ""))
    ]


def united(statistics: pd.DataFrame, thresholds: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Fooled, and fooled and not flagged, by any of the attacks of a budget: one row per data set,
    model, detector and eps.
    """
    parts = dict(list(statistics.groupby(PART, sort=False)))
    fitted = thresholds[thresholds["why"] == ""]
    rows = []
    for (dataset, model, detector, eps), group in fitted.groupby(
        ["dataset", "model", "detector", "eps"], sort=False
    ):
        if group["attack"].nunique() > 1:
            found = [_any(parts, of_seed) for _, of_seed in group.groupby("seed")]
            axes = {
                "dataset": dataset,
                "model": model,
                "attack": name,
                "eps": eps,
                "steps": 0,
                "weight": 0.0,
                "detector": detector,
            }
            rows.append(axes | {"n": sum(one["n"] for one in found), **_over_seeds(found)})
    return pd.DataFrame(rows)


def _any(parts: Parts, group: pd.DataFrame) -> dict[str, Any]:
    """The rates of `united` in one repetition."""
    shown = [
        (*_shown(parts, threshold, "successful"), threshold["threshold"])
        for _, threshold in group.iterrows()
    ]
    n = len(shown[0][1])
    fooled = set().union(*(rows["index"] for rows, _, _ in shown))
    unseen = set().union(*(rows["index"][rows["statistic"] < t] for rows, _, t in shown))
    return {"n": len(fooled), "fooled": share(len(fooled), n), "joint": share(len(unseen), n)}


def _over_seeds(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The intervals of several repetitions as one, in columns name, name_low and name_high."""
    row: dict[str, Any] = {}
    for name in (key for key, value in found[0].items() if isinstance(value, Interval)):
        interval, over = over_seeds([one[name] for one in found])
        row |= {
            name: interval.value,
            f"{name}_low": interval.low,
            f"{name}_high": interval.high,
            "over": over,
        }
    return row


def _views(parts: Parts, group: pd.DataFrame, full: bool) -> Iterator[dict[str, Any]]:
    """The rows of one cell and choice; `group` holds its threshold in each repetition."""
    for view in VIEWS:
        found = [_one(parts, threshold, view, full) for _, threshold in group.iterrows()]
        measured = [rates_of for rates_of in found if rates_of]
        if not measured:
            continue
        row = {name: group.iloc[0][name] for name in [*AXES, *CHOICE]} | {
            "view": view,
            "seeds": len(measured),
        }
        row |= {
            "variant": " or ".join(dict.fromkeys(group["variant"])),
            "threshold": float(group["threshold"].mean()),
        }
        row |= {
            "n": sum(one["n"] for one in measured),
            "n_clean": sum(one["n_clean"] for one in measured),
        }
        yield row | _over_seeds(measured)


def _one(parts: Parts, threshold: pd.Series, view: str, full: bool) -> dict[str, Any]:
    """The rates of one repetition; empty where the view has no image."""
    shown, natural = _shown(parts, threshold, view)
    if not len(shown) or not len(natural):
        return {}
    attacked, clean = (rows["statistic"].to_numpy(np.float64) for rows in (shown, natural))
    flagged = attacked >= threshold["threshold"]
    row: dict[str, Any] = {"n": len(attacked), "n_clean": len(clean)}
    row["dr"] = share(int(flagged.sum()), len(attacked))
    row["fpr"] = share(int((clean >= threshold["threshold"]).sum()), len(clean))
    row["auroc"] = auroc(attacked, clean)
    row["fooled"] = share(int(shown["success"].sum()), len(clean))
    row["joint"] = share(int((~flagged & shown["success"].to_numpy(bool)).sum()), len(clean))
    return row | (_threshold_free(attacked.tobytes(), clean.tobytes()) if full else {})


@cache
def _threshold_free(attacked: bytes, clean: bytes) -> dict[str, Interval]:
    """AUPR and FPR at 95 % TPR; kept, for every rule of a cell asks for the same."""
    samples = np.frombuffer(attacked), np.frombuffer(clean)
    found = {
        "aupr": bootstrap(rates.average_precision, *samples),
        "fpr95": bootstrap(rates.fpr_at_tpr, *samples),
    }
    return {name: Rate(*interval) for name, interval in found.items()}


def _shown(parts: Parts, threshold: pd.Series, view: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of attacked and of clean images that a view shows."""
    run, cell = (
        tuple(threshold[name] for name in PART[:4]),
        tuple(threshold[name] for name in PART[4:]),
    )
    attacked, clean = parts[run + cell], parts[run + CLEAN_CELL].drop_duplicates("index")
    if view == "successful":
        clean = clean[~clean["success"]]
        attacked = attacked[attacked["success"] & attacked["index"].isin(clean["index"])]
    return attacked, clean
