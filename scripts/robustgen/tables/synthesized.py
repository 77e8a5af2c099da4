"""Images that each net's gradients make: what an independent judge sees in them, and their distance
from real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.per_image import bounds, mean_of
from robustgen.tables.synthesis_rows import average, beside, cells, named, rate, rows_of
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("generated", "generated_fid")
OPTIONS: dict[str, dict[str, object]] = {}
NOTE = (
    "Images made by steps against the gradient of the cross entropy towards a class. generation "
    "starts at draws of each class's normal law, image_to_image at test images of other classes; "
    "the starts are the same for all nets. The judge is a net that was trained apart: `judge sees "
    "the class` is its accuracy on the made images, `at the start` that on the starts, and `more "
    "than first` the paired difference from the first net of the table. FID and KID are by the "
    "judge's features (a surrogate of Inception) of the made images against all test images, `FID "
    "of starts` of the starts. Brackets: 95 % intervals over images, of KID over parts of the set, "
    "or over seeds where there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per task and net."""
    del paper  # the paper has no numbers on synthesis
    rows = pd.DataFrame(list(_rows(rows_of(files, "generated"), _sets(files), spec)))
    columns = {
        "task": text("task"),
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "judge sees the class, %": percent("judged"),
        "at the start, %": percent("judged_before"),
        "more than first, points": percent("more"),
        "net's probability": interval("probability"),
        "distance moved": interval("moved"),
        "FID": lambda row: "" if row["fid"] != row["fid"] else f"{row['fid']:.2f}",
        "FID of starts": lambda row: "" if row["fid"] != row["fid"] else f"{row['fid_start']:.2f}",
        "KID": interval("kid", 4),
    }
    return Table("Synthesis by one classifier", NOTE + data_said(spec) + absent,
                 with_axes(rows, ()), columns)  # fmt: skip


def _sets(files: dict[str, list[str]]) -> pd.DataFrame:
    return rows_of(files, "generated_fid")


def _rows(
    found: pd.DataFrame, sets: pd.DataFrame, spec: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for model, task, part in cells(found, spec, "task"):
        first = next(one for _, value, one in cells(found, spec, "task") if value == task)
        numbers = bounds("judged", rate(part, "judged"))
        numbers |= bounds("judged_before", rate(part, "judged_before"))
        numbers |= bounds("more", beside(part, first, "judged", shares=True))
        for column in ("probability", "moved"):
            numbers |= bounds(column, average(part, column))
        mine = sets[(sets["model"] == model) & (sets["task"] == task)]
        yield {"task": task, **named(model, spec["models"][model], part), **numbers, **_of(mine)}


def _of(sets: pd.DataFrame) -> dict[str, float]:
    """FID and KID of the made images, and FID of the starts; NaN where they are absent."""
    if sets.empty:
        return dict.fromkeys(("fid", "fid_start", "kid", "kid_low", "kid_high"), float("nan"))
    start, end = (sets[sets["stage"] == stage] for stage in ("start", "end"))
    kid = mean_of(end, "kid")
    return {"fid": end["fid"].mean(), "fid_start": start["fid"].mean(), **bounds("kid", kid)}
