"""A generator's samples before and after each net's gradients refine them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.intervals import over_seeds, share
from robustgen.stats.per_image import bounds, mean_of
from robustgen.tables.synthesis_rows import named, rows_of
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("refined",)
OPTIONS: dict[str, dict[str, object]] = {}
NOTE = (
    "Samples of the generator (chapter 3), before and after steps against the gradient of the "
    "net's cross entropy towards their class (BIGRoC). FID and KID are by the features of an "
    "independent net (a surrogate of Inception), against all test images; the change of KID is "
    "paired over parts of the set, with its 95 % interval over them, below 0 where refinement "
    "helps. The judge is the independent net; brackets of its accuracy are over samples. Where "
    "there are several seeds, numbers are means over them, and intervals are over seeds."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per net."""
    del paper  # the paper has no numbers on synthesis
    rows = pd.DataFrame(list(_rows(rows_of(files, "refined"), spec)))
    columns = {
        "generator": text("generator"),
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "FID before": lambda row: f"{row['fid_start']:.2f}",
        "FID after": lambda row: f"{row['fid_end']:.2f}",
        "KID before": lambda row: f"{row['kid_start']:.4f}",
        "KID after": lambda row: f"{row['kid_end']:.4f}",
        "change of KID": interval("change", 4),
        "judge sees the class before, %": percent("judged_start"),
        "after, %": percent("judged_end"),
    }
    return Table("Samples refined by one classifier", NOTE + data_said(spec) + absent,
                 with_axes(rows, ()), columns)  # fmt: skip


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        if mine.empty:
            continue
        told = named(model, facts, mine) | {"generator": facts["parts"]["generator"]}
        told["n"] = int(mine["n"].iloc[0])
        stages = {
            stage: mine[mine["stage"] == stage].set_index(["seed", "part"]).sort_index()
            for stage in ("start", "end")
        }
        numbers: dict[str, Any] = {}
        for stage, rows in stages.items():
            numbers |= {f"{name}_{stage}": rows[name].mean() for name in ("fid", "kid")}
            judged = [
                share(float(np.round(one.mean() * told["n"])), told["n"])
                for _, one in rows["judged"].groupby(level="seed")
            ]
            numbers |= bounds(f"judged_{stage}", over_seeds(judged)[0])
        change = (stages["end"]["kid"] - stages["start"]["kid"]).reset_index()
        yield told | numbers | bounds("change", mean_of(change, "kid"))
