"""A detector's rates with intervals, from its statistics per test image and its thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import axes_of, with_axes
from robustgen.stats.cells import nothing, settings
from robustgen.stats.intervals import Interval, over_seeds, share
from robustgen.stats.views import VIEWS, View, Views

CHOICE = ("detector", "protocol", "rule", "shown")
RATES = ("dr", "fpr", "auroc", "fooled", "joint")
FULL = ("aupr", "fpr95")

Threshold = dict[str, Any]  # a row of thresholds


def summarise(
    statistics: pd.DataFrame,
    thresholds: pd.DataFrame,
    *,
    full: bool = False,
    views: Sequence[str] = VIEWS,
) -> pd.DataFrame:
    """One row per cell, choice of threshold and view, with rates of detection; `full` adds AUPR and
    FPR at 95 % TPR.

    DR and FPR are shares of flagged images. `fooled` is the share of the view's clean images, as
    far as they were attacked, whose attacked version fools the net, and joint success of those
    whose attacked version also is not flagged: what a defender must fear. A view without images has
    no row, nor has a detector that could not be fitted.
    """
    made, cell = Views(statistics), [*settings(thresholds), *CHOICE]
    groups: dict[tuple[Any, ...], list[Threshold]] = {}
    for threshold in thresholds[thresholds["why"] == ""].to_dict("records"):
        groups.setdefault(tuple(threshold[name] for name in cell), []).append(threshold)
    rows = [
        dict(zip(cell, key, strict=True)) | row
        for key, group in groups.items()
        for row in _rows(made, group, views, full)
    ]
    found = pd.DataFrame(rows) if rows else pd.DataFrame(columns=_columns(cell, full))
    return with_axes(found, axes_of(thresholds))


def _columns(cell: list[str], full: bool) -> list[str]:
    """The columns of a summary, which one without a row has too."""
    names = (*RATES, *(FULL if full else ()))
    bounds = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return [*cell, "view", "seeds", "variant", "threshold", "n", "n_clean", *bounds, "over"]


def headline(thresholds: pd.DataFrame) -> pd.DataFrame:
    """The rows of the one threshold for all attacks."""
    return thresholds[
        (thresholds["protocol"] == "sound")
        & ((thresholds["shown"] != "") | (thresholds["why"] != ""))
    ]


def united(statistics: pd.DataFrame, thresholds: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Fooled, and fooled and not flagged, by any of the attacks of a budget, over the images that
    all of them were made on: one row per data set, model, detector and eps.
    """
    made, fitted = Views(statistics), thresholds[thresholds["why"] == ""]
    axes = axes_of(thresholds)
    by = ["dataset", "model", "detector", *(axis for axis in axes if axis == "eps")]
    rows = []
    for key, group in fitted.groupby(by, sort=False):
        if group["attack"].nunique() > 1:
            cell = {axis: nothing(thresholds, axis) for axis in axes}
            cell |= {"attack": name, **dict(zip(by, key, strict=True))}
            found = [_any(made, part.to_dict("records")) for _, part in group.groupby("seed")]
            if all(found):
                rows.append(cell | {"n": _average(found, "n"), **_over_seeds(found)})
    return with_axes(pd.DataFrame(rows), axes)


def _any(made: Views, thresholds: list[Threshold]) -> dict[str, Any]:
    """The rates of `united` in one repetition; none where no image was attacked by all."""
    fooled: set[int] = set()
    unseen: set[int] = set()
    views = [made.view(threshold, "successful") for threshold in thresholds]
    common = set[int].intersection(*(set(view.versions.index) for view in views))
    for view, threshold in zip(views, thresholds, strict=True):
        fooled |= common & set(view.attacked.index)
        passed = view.attacked.statistic < threshold["threshold"]
        unseen |= common & set(view.attacked.where(passed).index)
    if not common:
        return {}
    rates = {"fooled": share(len(fooled), len(common)), "joint": share(len(unseen), len(common))}
    return {"n": len(fooled), **rates}


def _over_seeds(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The intervals of several repetitions as one, in columns name, name_low and name_high."""
    row: dict[str, Any] = {}
    for name in (key for key, value in found[0].items() if isinstance(value, Interval)):
        row |= bounds(name, [one[name] for one in found])
    return row


def _average(found: list[dict[str, Any]], count: str) -> int:
    """A count of images of each repetition, on average where they differ: repetitions share their
    images.
    """
    return round(sum(one[count] for one in found) / len(found))


def bounds(name: str, intervals: Sequence[Interval]) -> dict[str, Any]:
    """A number of several repetitions in columns name, name_low, name_high and `over`."""
    found, over = over_seeds(intervals)
    ends = dict(zip(("", "_low", "_high"), found, strict=True))
    return {f"{name}{end}": value for end, value in ends.items()} | {"over": over}


def _rows(
    made: Views, thresholds: list[Threshold], views: Sequence[str], full: bool
) -> Iterator[dict[str, Any]]:
    """The rows of one cell and choice from its threshold in each repetition."""
    for name in views:
        found = [(one, made.view(one, name)) for one in thresholds]
        measured = [
            _rates(view, one["threshold"], full)
            for one, view in found
            if len(view.attacked.index) and len(view.clean.index)
        ]
        if measured:
            yield {
                "view": name,
                "seeds": len(measured),
                "variant": " or ".join(dict.fromkeys(one["variant"] for one in thresholds)),
                "threshold": float(np.mean([one["threshold"] for one in thresholds])),
                **{count: _average(measured, count) for count in ("n", "n_clean")},
                **_over_seeds(measured),
            }


def _rates(view: View, threshold: float, full: bool) -> dict[str, Any]:
    """The rates of one repetition."""
    attacked, clean, versions = view.attacked.statistic, view.clean.statistic, view.versions
    rates: dict[str, Any] = {"n": len(attacked), "n_clean": len(clean)}
    rates["dr"] = share(int((attacked >= threshold).sum()), len(attacked))
    rates["fpr"] = share(int((clean >= threshold).sum()), len(clean))
    rates["auroc"] = view.auroc
    rates["fooled"] = share(float(versions.success.sum()), len(versions.index))
    unseen = versions.where(versions.statistic < threshold)
    rates["joint"] = share(float(unseen.success.sum()), len(versions.index))
    return rates | (view.threshold_free if full else {})
