"""How many published numbers have one of ours beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustgen.report.beside import PART, Pair

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Coverage:
    """How many published numbers of a table on a data set stand beside one of ours."""

    work: str
    table: str
    dataset: str
    numbers: int
    beside: int


def coverage(found: Iterable[Pair], paper: pd.DataFrame) -> Iterator[Coverage]:
    """What is covered of each table of the works, settings left out.

    A number that is printed k times in a table is covered by at most k pairs of one run.
    """
    ours: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for pair in found:
        ours[pair.source, pair.dataset, pair.printed][pair.run.name] += 1
    results = paper[paper["row"] != "setting"]
    whole = results["table"].str.replace(PART, "", regex=True)
    for (work, table, dataset), rows in results.groupby(["work", whole, "dataset"], sort=False):
        counts = rows["value"].value_counts()
        met = sum(
            min(count, max(ours[table, dataset, value].values(), default=0))
            for value, count in counts.items()
        )
        yield Coverage(work, table, dataset, len(rows), met)
