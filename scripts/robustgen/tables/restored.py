"""Holes filled, small images enlarged and images found again from features, by each net's
gradients, beside a baseline without a net.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.per_image import bounds
from robustgen.tables.synthesis_rows import average, cells, gained, named, rate, rows_of
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("restored",)
OPTIONS: dict[str, dict[str, object]] = {}
BASELINES = {
    "inpainting": "mean colour",
    "super_resolution": "bicubic",
    "representation": "grey noise",
}
NOTE = (
    "inpainting: PSNR of the hole, filled from its image's mean colour. super_resolution: an image "
    "enlarged from a small one. representation: an image found from grey noise such that the net's "
    "features are those of the original. PSNR is in dB; a gain is the paired difference from the "
    "baseline on the same images, above 0 where the net does better. Perceptual distances are "
    "LPIPS where its weights are there, else the same without learnt weights by the layers of an "
    "independent net, the judge; a gain below 0 is nearer to the original. Brackets: 95 % "
    "intervals over images, or over seeds where there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per task and net."""
    del paper  # the paper has no numbers on synthesis
    rows = pd.DataFrame(list(_rows(rows_of(files, "restored"), spec)))
    columns = {
        "task": text("task"),
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "baseline": text("baseline"),
        "PSNR": interval("psnr"),
        "gain in PSNR": interval("psnr_gain"),
        "perceptual distance": interval("perceptual"),
        "by": text("metric"),
        "gain in perceptual distance": interval("perceptual_gain"),
        "judge right, %": percent("judged"),
        "of baseline, %": percent("judged_base"),
    }
    return Table("Images restored by one classifier", NOTE + data_said(spec) + absent,
                 with_axes(rows, ()), columns)  # fmt: skip


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for model, task, part in cells(found, spec, "task"):
        numbers: dict[str, Any] = {}
        for column in ("psnr", "perceptual"):
            numbers |= bounds(column, average(part, column))
            numbers |= bounds(f"{column}_gain", gained(part, column, f"{column}_base"))
        for column in ("judged", "judged_base"):
            numbers |= bounds(column, rate(part, column))
        told = {"task": task, "baseline": BASELINES[task], "metric": part["metric"].iloc[0]}
        yield told | named(model, spec["models"][model], part) | numbers
