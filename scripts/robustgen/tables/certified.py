"""Certified accuracy of randomized smoothing by L2 radius (Cohen et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, read_rows
from robustgen.stats.cells import images
from robustgen.stats.intervals import Interval, over_seeds, share
from robustgen.tables.published_smoothing import said_of
from robustgen.tables.table import Table, data_said, percent, text

NEEDS = ("clean", "certificate")
OPTIONS = {
    "radii": {
        "type": "number",
        "several": True,
        "least": 0,
        "rising": True,
        "default": [0, 0.25, 0.5, 0.75, 1.0],
        "means": "L2 radii in units of pixel values.",
    },
}


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and radius: the share of images certified as their class at that radius."""
    del paper
    found = certificates(files)
    rows = pd.DataFrame(list(_rows(found, spec)))
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "smoothing": text("smoothing"),
        "draws": text("votes"),
        "n": text("n"),
        "radius": lambda row: f"{row['radius']:g}",
        "certified %": percent("certified"),
        "predicted rightly %": percent("right"),
        "abstains %": percent("abstains"),
    }
    note = (
        "Certified: share of test images whose right class is certified in the L2 ball of that "
        "radius (CERTIFY; a wrong certificate has probability alpha per image). Predicted rightly "
        "and abstains: PREDICT on the same votes. Radius 0: certified at any radius above 0. "
        f"Brackets: 95 % intervals (Clopper-Pearson) over images.{data_said(spec)}"
    )
    return Table("Certified accuracy of randomized smoothing", note + absent, rows, columns)


def certificates(files: dict[str, list[str]]) -> pd.DataFrame:
    """The certificates of test images, with their labels."""
    measured = [path for path in files["certificate"] if path.endswith(".parquet")]
    found, scores = read_rows(measured), read_rows(files["clean"])
    found = found[(found["attack"] == CLEAN) & (found["split"] == "test")]
    keys = ["model", "seed", "split", "index"]
    return found.merge(scores[[*keys, "label"]], on=keys, validate="one_to_one")


def certified(rows: pd.DataFrame, radius: float) -> np.ndarray:
    """Which images have their right class certified at a radius: bool [n]."""
    right = rows["selected"] == rows["label"]
    reach = rows["radius"] >= radius if radius else rows["radius"] > 0
    return (right & reach).to_numpy()


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        if mine.empty:
            continue
        named = {"dataset": facts["dataset"], "model": model, "smoothing": said_of(facts)}
        counts = {"votes": int(mine["votes"].max()), "n": images(mine)}
        told = _share("right", mine, (mine["predicted"] == mine["label"]).to_numpy())
        told |= _share("abstains", mine, (mine["predicted"] < 0).to_numpy())
        for radius in spec["options"]["radii"]:
            held = _share("certified", mine, certified(mine, radius))
            yield {**named, **counts, "radius": radius, **held, **told}


def _share(name: str, rows: pd.DataFrame, hits: np.ndarray) -> dict[str, float]:
    groups = rows.groupby("seed").indices.values()
    each = [share(float(hits[places].sum()), len(places)) for places in groups]
    found: Interval = over_seeds(each)[0]
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
