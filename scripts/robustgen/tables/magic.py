"""MAGIC in numbers: how well images that were made by a net's gradients follow a target mask and
keep their class, by kind of target and net.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.per_image import bounds
from robustgen.tables.synthesis_rows import IMAGE, average, beside, cells, named, rows_of
from robustgen.tables.table import Format, Table, data_said, interval, percent, text

NEEDS = ("magic",)
OPTIONS: dict[str, dict[str, object]] = {}
NUMBERS = ("iou", "iou_source", "probability", "judged", "statistics", "diversity")
APART = ("iou", "probability")  # compared with the first net
NOTE = (
    "Images that a net's gradients make from noise to look like a source image and to follow a "
    "target mask. Target: `shape` the mask of another source, `position` the own mask moved, "
    "`copy` the own mask and the moved one. IoU: intersection over union of the target with the "
    "mask that a segmenter, trained apart, finds in the image; `of the source's mask` is that of "
    "the unchanged mask with the target. Probability: the net's own, of the class that it sees in "
    "the source. Judged: share of the images in which an independent net sees this class. "
    "Statistics: distance of feature statistics from the source's, in the net's own features. "
    "Diversity: mean L2 distance between images from different starts. Differences are those from "
    "the first net on the same sources. Numbers are averaged over the starts of a source first; "
    "brackets: Student's 95 % intervals over the n sources, or over seeds where there are "
    "several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per kind of target and net."""
    del paper  # the paper has no numbers on synthesis
    rows = pd.DataFrame(list(_rows(rows_of(files, "magic"), spec)))
    columns: dict[str, Format] = {
        "target": text("mode"),
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "starts": text("starts"),
        "IoU": interval("iou"),
        "of the source's mask": interval("iou_source"),
        "difference of IoU": _signed("iou_apart"),
        "probability": interval("probability"),
        "difference of probability": _signed("probability_apart"),
        "judged %": percent("judged"),
        "statistics": interval("statistics", 3),
        "diversity": interval("diversity"),
    }
    note = NOTE + data_said(spec) + absent
    return Table("Images that follow a mask (MAGIC)", note, with_axes(rows, ("mode",)), columns)


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    first: dict[str, pd.DataFrame] = {}  # by kind of target, the sources of the first net
    for model, mode, part in cells(found, spec, "mode"):
        each = part.groupby(IMAGE, as_index=False)[[*NUMBERS]].mean()
        base = first.setdefault(mode, each)
        numbers: dict[str, float] = {}
        for name in NUMBERS:
            numbers |= bounds(name, average(each, name))
        for name in APART:
            numbers |= bounds(f"{name}_apart", beside(each, base, name, shares=False))
        told = {"mode": mode, "starts": int(part["start"].nunique()), "first": each is base}
        yield told | named(model, spec["models"][model], each) | numbers


def _signed(name: str) -> Format:
    """A difference with its sign; empty for the first net itself."""

    def print_(row: pd.Series) -> str:
        value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
        none = row["first"] or value != value
        return "" if none else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"

    return print_
