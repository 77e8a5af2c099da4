"""Perceptual distances between the codes of two runs: table 3.4 of An Ju's thesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows, with_axes
from robustgen.stats.per_image import bounds, mean_of
from robustgen.tables.published_abs import value
from robustgen.tables.table import Table, data_said, interval, text

NEEDS = ("interpolation",)
OPTIONS: dict[str, dict[str, object]] = {}
NOTE = (
    "Mean perceptual distance from the test image of images at codes a z_1 + (1 - a) z_2, a = k / "
    "10, of the true class, where two runs from different random codes ended at z_1 (k = 10) and "
    "z_2 (k = 0); slerp goes along the arc, on which codes keep their norm. Outside: the mean "
    "distance of both runs' reconstructions by the other classes, the reference line of figure "
    "3.10; the peak over it tells metrics apart. Brackets: Student's 95 % intervals over images, "
    "or over seeds; sd: over images."
)
TABLE = "3_4"
PUBLISHED = ("mean", "ci95", "std")  # what the thesis prints of a perceptual distance


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, path and order k."""
    found = read_rows([path for path in files["interpolation"] if path.endswith(".parquet")])
    rows = with_axes(pd.DataFrame(list(_rows(found, spec, paper))), ())
    columns = {
        "data set": text("dataset"),
        "metric": text("metric"),
        "path": text("path"),
        "k": text("k"),
        "n": text("n"),
        "distance": interval("distance"),
        "sd": lambda row: f"{row['sd']:.2f}",
        "||z||^2": lambda row: f"{row['norm']:.1f}",
        "outside": interval("outside"),
        "over outside": lambda row: f"{row['distance'] / row['outside']:.3f}",
    }
    if not rows.empty and (rows["published"] != "").any():
        columns["published mean / half interval / sd"] = text("published")
        columns["published outside"] = text("published_outside")
    return Table("Distances between two inversions", NOTE + data_said(spec) + absent, rows, columns)


def _rows(
    found: pd.DataFrame, spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        for (path, k), cell in mine.groupby(["path", "k"], sort=False):
            metric = cell["metric"].iloc[0]
            named = {"dataset": facts["dataset"], "model": model, "metric": metric}
            yield {
                **named,
                "path": path,
                "k": k,
                "n": cell["index"].nunique(),
                **bounds("distance", mean_of(cell, "distance")),
                "sd": float(cell.groupby("seed")["distance"].std().mean()),
                "norm": float(cell["norm"].mean()),
                **bounds("outside", mean_of(cell, "outside")),
                **_published(paper, facts, metric if path == "linear" else "", k),
            }


def _published(paper: pd.DataFrame, facts: dict[str, Any], metric: str, k: int) -> dict[str, str]:
    """The thesis' numbers of table 3.4 and of its caption; empty where it has none."""
    row = f"Direct metric={metric}"
    told = [
        value(paper, facts, TABLE, f"{row} k={k}", f"perceptual distance {name}")
        for name in PUBLISHED
    ]
    mine = paper[(paper["table"] == "text:3.4") & (paper["dataset"] == facts["published"])]
    outside = mine.loc[mine["row"] == row, "value"]
    return {
        "published": " / ".join(told) if all(told) else "",
        "published_outside": "" if outside.empty else str(outside.iloc[0]),
    }
