"""How far each net's input gradient is the score of the images, by a denoiser's score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.per_image import bounds
from robustgen.tables.synthesis_rows import average, beside, cells, named, rows_of
from robustgen.tables.table import Table, data_said, interval, text

NEEDS = ("score_agreement",)
OPTIONS: dict[str, dict[str, object]] = {}
COLUMNS = ("marginal", "joint", "clean")
NOTE = (
    "Were a classifier with logits z a generative model of energies E(x) = -logsumexp z and "
    "E(x,y) = -z_y, the negative gradients of these in the image would be scores, which score "
    "matching estimates. A denoiser estimates the score of images with Gaussian noise of standard "
    "deviation sigma, for pixels in [0,1]. Given is the mean cosine of the angle between both at "
    "noisy test images, which are the same for all nets: 1 where the directions are the same, 0 "
    "where they have nothing in common, below 0 where a step that lowers the net's energy makes "
    "the image less likely by the denoiser. `-grad E(x,y)` is at the true class; `more than "
    "first` is its paired difference from the first net of the table. `to the clean image`: the "
    "cosine of the denoiser's score with the noise that was added, with the other sign; it tells "
    "how good the denoiser is. Images with a gradient that is zero or not finite are counted and "
    "left out. Brackets: 95 % intervals over images, or over seeds where there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per sigma and net."""
    del paper  # the paper draws the parallel in words alone
    rows = with_axes(pd.DataFrame(list(_rows(rows_of(files, NEEDS[0]), spec))), ())
    columns = {
        "sigma": lambda row: f"{row['sigma']:g}",
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "left out": text("left_out"),
        "cosine with -grad E(x)": interval("marginal", 3),
        "cosine with -grad E(x,y)": interval("joint", 3),
        "more than first": interval("more", 3),
        "to the clean image": interval("clean", 3),
    }
    return Table("Input gradients as scores", NOTE + data_said(spec) + absent, rows, columns)


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if found.empty:
        return
    for model, sigma, part in cells(found, spec, "sigma"):
        first = next(one for _, value, one in cells(found, spec, "sigma") if value == sigma)
        numbers = bounds("more", beside(part, first, "joint", shares=False))
        for column in COLUMNS:
            numbers |= bounds(column, average(part, column))
        left_out = int(part.groupby("seed")["left_out"].first().sum())
        told = {**named(model, spec["models"][model], part), "left_out": left_out}
        yield {"sigma": sigma, **told, **numbers}
