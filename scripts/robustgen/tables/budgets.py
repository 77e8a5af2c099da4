"""What further effort of an attack brings: tables 2.7 to 2.9 of An Ju's thesis (runs of EOT, random
starts, steps).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows
from robustgen.stats.intervals import Interval, over_seeds, paired_share_difference, share
from robustgen.tables.published_abs import by_setting
from robustgen.tables.table import Format, Table, budget, data_said, percent, text

NEEDS = ("scores",)
OPTIONS = {
    "axis": {
        "one_of": ("eot", "restarts", "steps"),
        "means": "The axis of the attack's sweep along which its effort grows.",
    },
}
NAMES = {"eot": "runs of EOT", "restarts": "random starts", "steps": "steps"}
IMAGE = ["seed", "index"]


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, attack, budget and value of the axis."""
    axis = spec["options"]["axis"]
    rows = pd.DataFrame(list(_rows(read_rows(files["scores"]), spec, axis, paper)))
    columns: dict[str, Format] = {
        "data set": text("dataset"),
        "model": text("model"),
        "attack": text("attack"),
        "eps": lambda row: budget(row["eps"]),
        NAMES[axis]: lambda row: f"{row['value']:g}",
        "n": text("n"),
        "accuracy %": percent("accuracy"),
        "accuracy above that of the largest, points": percent("above"),
    }
    if any(rows["published"]):
        columns["published %"] = text("published")
    note = (
        "Share of test images that stay right, averaged over fresh draws of randomised "
        f"classifiers, against the attack's {NAMES[axis]}. Last column: what the largest setting "
        "takes away beyond this one, on the same images; effort suffices from where the interval "
        "holds 0 on. Brackets: 95 % intervals over images (Clopper-Pearson; of differences "
        f"Agresti-Min).{data_said(spec)}"
    )
    return Table(f"Accuracy by {NAMES[axis]}", note + absent, rows, columns)


def _rows(
    scores: pd.DataFrame, spec: dict[str, Any], axis: str, paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    test = scores[(scores["split"] == "test") & scores["attack"].isin(list(spec["attacks"]))]
    if axis not in axes_of(test):
        return
    for (model, attack, eps), mine in test.groupby(["model", "attack", "eps"], sort=False):
        facts = spec["models"][str(model)]
        right = {
            float(str(value)): 1 - part.groupby(IMAGE)["success"].max().astype(float)
            for value, part in mine.groupby(axis)
        }
        largest = right[max(right)]
        named = {"dataset": facts["dataset"], "model": model, "attack": attack, "eps": eps}
        for value, one in sorted(right.items()):
            published = by_setting(paper, facts=facts, name=axis, value=value)
            yield {
                **named,
                "value": value,
                "n": len(one),
                **_told("accuracy", [share(float(p.sum()), len(p)) for p in _seeds(one)]),
                **_told("above", _differences(one, largest)),
                "published": str(published or ""),
            }


def _differences(one: pd.Series, largest: pd.Series) -> list[Any]:
    both = pd.concat([one, largest], axis=1, join="inner")
    return [paired_share_difference(*part.to_numpy().T) for part in _seeds(both)]


def _seeds(values: Any) -> list[Any]:
    return [part for _, part in values.groupby(level="seed")]


def _told(name: str, each: list[Any]) -> dict[str, float]:
    found: Interval = over_seeds(each)[0]
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
