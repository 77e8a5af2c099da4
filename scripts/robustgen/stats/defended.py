"""Accuracy of classifiers and of the base models that they are made around, under attacks that both
met: each attack, and per image the worst of all.

A classifier that draws random numbers is judged on several fresh draws: its accuracy is the share
of draws that are right, averaged over images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of, with_axes
from robustgen.stats.cells import at_last_step, images
from robustgen.stats.intervals import Interval, over_seeds, paired_share_difference
from robustgen.stats.per_image import accuracy, bounds, by_image, worst

WORST = "worst of all"  # per image, clean images among them
BASE = "base"  # the role of the model that a classifier is made around

Row = dict[str, Any]


def defended(scores: pd.DataFrame, spec: dict[str, Any]) -> pd.DataFrame:
    """One row per model, budget and attack (in the order of `spec`): `natural` and `adversarial`
    accuracy, and where the spec shows the base model too what is gained over it on the same images
    (`natural_gain`, `gain`, with `p`); each with bounds.
    """
    test = scores[scores["split"] == "test"]
    wrong = {model: _wrong(test[test["model"] == model], spec) for model in spec["models"]}
    rows = [
        {"dataset": facts["dataset"], "model": model, "base": base or "", **row}
        for model, facts in spec["models"].items()
        for base in [facts["parts"].get(BASE)]
        for row in _of_model(wrong[model], wrong.get(base, {}))
    ]
    return with_axes(pd.DataFrame(rows), ("eps",))


def _wrong(mine: pd.DataFrame, spec: dict[str, Any]) -> dict[tuple[float, str], pd.Series]:
    """(eps, attack) -> share of wrong draws of each image, by seed and index; clean has eps 0."""
    found = {(0.0, CLEAN): by_image(mine[mine["attack"] == CLEAN])}
    attacked = at_last_step(mine[mine["attack"].isin(list(spec["attacks"]))])
    cells = attacked.groupby("eps", sort=True) if "eps" in axes_of(attacked) else ()
    for eps, rows in cells:
        each = {
            name: by_image(rows[rows["attack"] == name])
            for name in spec["attacks"]
            if (rows["attack"] == name).any()
        }
        found |= {(float(eps), name): wrong for name, wrong in each.items()}
        found[float(eps), WORST] = worst([found[0.0, CLEAN], *each.values()])
    return found


def _of_model(
    mine: dict[tuple[float, str], pd.Series], base: dict[tuple[float, str], pd.Series]
) -> Iterator[Row]:
    natural = mine[0.0, CLEAN]
    if natural.empty:
        return
    clean = bounds("natural", accuracy(natural)) | _gain("natural_gain", (0.0, CLEAN), mine, base)
    for (eps, attack), wrong in mine.items():
        if attack != CLEAN:
            under = bounds("adversarial", accuracy(wrong)) | _gain(
                "gain", (eps, attack), mine, base
            )
            yield {"attack": attack, "eps": eps, "n": images(wrong), **clean, **under}


def _gain(
    name: str,
    cell: tuple[float, str],
    mine: dict[tuple[float, str], pd.Series],
    base: dict[tuple[float, str], pd.Series],
) -> Row:
    """The accuracy gained over the base model on the images that both were shown; NaN without."""
    both = pd.concat([mine[cell], base.get(cell, mine[cell].iloc[:0])], axis=1, join="inner")
    if both.empty:
        return bounds(name, Interval(np.nan, np.nan, np.nan)) | {f"{name}_p": np.nan}
    pairs = [1 - part.to_numpy(float) for _, part in both.groupby(level="seed")]
    found, _ = over_seeds([paired_share_difference(*pair.T) for pair in pairs])
    return bounds(name, found) | {f"{name}_p": found.p(0.0)}
