"""Where Langevin chains on each net's own energies end, and what an independent judge sees in
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.per_image import bounds
from robustgen.tables.synthesis_rows import average, beside, cells, named, rate, rows_of
from robustgen.tables.table import Table, data_said, interval, percent, text

NEEDS = ("chains",)
OPTIONS: dict[str, dict[str, object]] = {}
SAID = {"marginal": "E(x)", "joint": "E(x,y)"}
NOTE = (
    "Chains x <- x - (alpha / 2) grad E + noise from the same starts and with the same noise for "
    "all nets; E(x) = -logsumexp of the logits, E(x,y) = -logit of the wanted class y, the classes "
    "in turn. The judge is a net that was trained apart: `judge agrees` is the share of chains in "
    "whose end it sees the wanted class or, under E(x), which wants none, the class that the net "
    "itself sees; `more than first` the paired difference from the first net of the table; "
    "`confidence` its largest probability. `range`: the largest distance of a pixel from 0.5, at "
    "most 0.5 in an image; the judge sees pixels clamped to [0,1]. Energies of different nets have "
    "no common zero. Chains that end in NaN or infinity are counted as diverged and left out. "
    "Brackets: 95 % intervals over chains (of shares Clopper and Pearson's), or over seeds where "
    "there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per energy and net."""
    del paper  # the paper has no chains
    rows = with_axes(pd.DataFrame(list(_rows(rows_of(files, NEEDS[0]), spec))), ())
    columns = {
        "energy": lambda row: SAID[row["energy"]],
        "net": text("net"),
        "trained": text("trained"),
        "n": text("n"),
        "diverged": text("diverged"),
        "steps": text("steps"),
        "energy at the start": interval("start"),
        "at the end": interval("value"),
        "judge agrees, %": percent("judged"),
        "more than first, points": percent("more"),
        "confidence": interval("confidence"),
        "range": interval("range"),
    }
    return Table("Samples of the nets' own energies", NOTE + data_said(spec) + absent, rows,
                 columns)  # fmt: skip


def _rows(found: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if found.empty:
        return
    ends = found[found["steps"] == found.groupby("model")["steps"].transform("max")]
    for model, energy, part in cells(ends, spec, "energy"):
        first = next(one for _, value, one in cells(ends, spec, "energy") if value == energy)
        mine = (found["model"] == model) & (found["energy"] == energy)
        numbers = bounds("start", average(found[mine & (found["steps"] == 0)], "value"))
        numbers |= bounds("judged", rate(part, "judged"))
        numbers |= bounds("more", beside(part, first, "judged", shares=True))
        for column in ("value", "confidence", "range"):
            numbers |= bounds(column, average(part, column))
        told = {"energy": energy, **named(model, spec["models"][model], part)}
        diverged = int(part.groupby("seed")["diverged"].first().sum())
        yield {**told, "steps": int(part["steps"].max()), "diverged": diverged, **numbers}
