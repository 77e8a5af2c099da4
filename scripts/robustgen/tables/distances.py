"""Distances of the closest adversarial images: the ablation of table 2.6 of An Ju's thesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN, read_rows, with_axes
from robustgen.stats.cells import images
from robustgen.stats.closest import Closest, closest, mean, median, never
from robustgen.stats.per_image import accuracy, bounds, by_image
from robustgen.tables.published_abs import MISPRINT, distances, of_ablation
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
NORMS = {"linf": "L_inf", "l2": "L_2"}
NOTE = (
    "Distance of the closest adversarial image that an attack found at any of its budgets, over "
    "the n test images that the model gets right unattacked. An image is adversarial where at "
    "least half of the fresh draws are wrong. One that no budget fooled is counted at the largest "
    "distance tried, so that a mean with such images is `at least`; the share of them is given. "
    "Brackets: 95 % intervals over images (distances: bootstrap; shares: Clopper-Pearson), or "
    "over seeds where there are several."
)
PUBLISHED = (
    " Published: table 2.6, whose text does not say what becomes of images that are misclassified "
    f"or never fooled; {MISPRINT}: probably misprinted there."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and attack."""
    scores = read_rows(files["scores"])
    test = scores[scores["split"] == "test"]
    rows = with_axes(pd.DataFrame(list(_rows(test, spec, paper))), ())
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "natural %": percent("natural"),
        "attack": text("attack"),
        "norm": lambda row: NORMS[row["norm"]],
        "n": text("n"),
        "mean distance": _mean,
        "median distance": _median,
        "never fooled %": percent("never"),
    }
    if not rows.empty and (rows["published"] + rows["published_natural"] != "").any():
        columns["published natural %"] = text("published_natural")
        columns["published mean / median"] = text("published")
        note = NOTE + PUBLISHED
    else:
        note = NOTE
    title = "Distances of the closest adversarial images"
    return Table(title, note + data_said(spec) + absent, rows, columns)


def _rows(
    test: pd.DataFrame, spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    for model, facts in spec["models"].items():
        mine = test[test["model"] == model]
        clean = by_image(mine[mine["attack"] == CLEAN])
        for attack, entry in spec["attacks"].items():
            found = closest(mine, [attack], entry["norm"])
            if found is None:
                continue
            named = {"dataset": facts["dataset"], "model": model, "attack": attack}
            told = {
                "published_natural": of_ablation(paper, model=facts, column="clean"),
                "published": distances(paper, name=model, model=facts, entry=entry),
            }
            natural = bounds("natural", accuracy(clean))
            yield {**named, "norm": entry["norm"], **natural, **_measured(found), **told}


def _measured(found: Closest) -> dict[str, Any]:
    rows: dict[str, Any] = {"n": images(found.counted), "reach": found.reach}
    for name, one in (("mean", mean), ("median", median), ("never", never)):
        rows |= bounds(name, one(found))
    return rows


def _mean(row: pd.Series) -> str:
    return ("at least " if row["never"] else "") + interval("mean", digits=3)(row)


def _median(row: pd.Series) -> str:
    """At least so much where it is the distance of images that were never fooled."""
    return ("at least " if row["median"] >= row["reach"] else "") + interval("median", 3)(row)
