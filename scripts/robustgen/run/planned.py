"""Whether the images that a study plans can decide each claim, by the intervals of earlier runs.

An interval over n images is about sqrt(n0 / n) times as wide as one over n0. A claim can be decided
where its value, if it is what an earlier run found, lies further from the margin than half of that
width. Of an earlier run on other data this is a guess, and is told as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from robustgen.core.files import BadFile, read_json
from robustgen.core.rows import CLEAN
from robustgen.stats.rules import SCORES, Claim
from robustgen.study.flow import making
from robustgen.study.plan import Plan
from robustgen.study.stages import Axes

NUMBERS = ("value", "low", "high", "n")  # of a cell that was judged
IMAGES = "images"  # the option by which a measure takes the first of the test images
Cell = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """A claim on a data set of a study: the fewest test images that a cell of it has, None where
    only a run tells, and an earlier cell of the same claim.
    """

    claim: Claim
    dataset: str
    n: int | None
    earlier: Cell | None

    @property
    def half(self) -> float | None:
        """Half of the width that the interval is expected to have."""
        if self.earlier is None or not self.n:
            return None
        cell = self.earlier
        return float((cell["high"] - cell["low"]) / 2 * sqrt(cell["n"] / self.n))

    @property
    def distance(self) -> float | None:
        """How far from the margin the earlier value lies."""
        return None if self.earlier is None else abs(self.earlier["value"] - self.claim.margin)

    @property
    def outlook(self) -> str:
        """What can be said beforehand."""
        if self.dataset in self.claim.not_tested:
            return "not tested, as decided beforehand"
        if self.n is None:
            return "only a run tells how many images"
        if self.n < self.claim.min_n:
            return f"too few images: the rule asks for {self.claim.min_n}"
        if self.half is None or self.distance is None or self.earlier is None:
            return "no earlier run to judge by"
        there = self.earlier["dataset"]
        by = "" if there == self.dataset else f", if it is as on {there}"
        if self.distance > self.half:
            return f"can be decided{by}"
        if not self.distance:
            return f"an earlier value lies on the margin{by}, where no number of images decides"
        images = ceil(self.n * (self.half / self.distance) ** 2)
        return f"too close to the margin{by}: about {images} images would do"


def planned(
    claims: Sequence[Claim], plan: Plan, earlier: Sequence[tuple[str, Cell]]
) -> list[Planned]:
    """Each claim on each data set on which the study has a cell for it."""
    counts: dict[tuple[str, str], list[int | None]] = {}
    for sort, paths in plan.judged().items():
        mine = [claim for claim in claims if claim.measure == sort]
        for path in paths if mine else ():
            found = making(plan, path)
            axes = found[1] if found else {}
            for claim in (one for one in mine if _is_of(one, axes, plan)):
                dataset = plan.study.models[axes["model"]].dataset
                counts.setdefault((claim.id, dataset), []).append(_images(sort, axes, plan))
    return [
        Planned(claim, dataset, _fewest(n), _nearest(claim, dataset, earlier))
        for claim in claims
        for (name, dataset), n in counts.items()
        if name == claim.id
    ]


def judged_earlier(folders: Sequence[Path]) -> list[tuple[str, Cell]]:
    """(claim, cell) of all verdicts in these studies that have an interval over images."""
    return [found for folder in folders for found in _judged(folder / "claims/verdicts.json")]


def lines(each: Sequence[Planned], seeds: int) -> list[str]:
    """The outlook on the claims as text: a count of each kind of outlook, then a line per claim."""
    if not each:
        return []
    kinds = [one.outlook.partition(":")[0].partition(",")[0] for one in each]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    head = ["claim", "data set", "n", "asked", "half width", "from the margin", "outlook"]
    rows = [head, *(_row(one) for one in each)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    more = f" Intervals over {seeds} seeds are no narrower." if seeds > 1 else ""
    return [
        f"Claims: {counts}. Widths are those of earlier runs, scaled to the planned n.{more}",
        *(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ),
    ]


def _row(one: Planned) -> list[str]:
    numbers = ("" if number is None else f"{number:.3g}" for number in (one.half, one.distance))
    return [
        one.claim.id,
        one.dataset,
        str(one.n or "?"),
        str(one.claim.min_n),
        *numbers,
        one.outlook,
    ]


def _is_of(claim: Claim, axes: Axes, plan: Plan) -> bool:
    """Whether rows with these axes are a cell of a claim."""
    model, attack = axes.get("model", ""), axes.get("attack", CLEAN)
    same = attack == (claim.attack or CLEAN)
    return bool(model) and same and plan.family(model) == claim.family


def _images(sort: str, axes: Axes, plan: Plan) -> int | None:
    """How many test images rows with these axes are of."""
    if sort == SCORES:
        return plan.evaluated(axes["model"], axes.get("attack", CLEAN))["test"]
    return plan.measure_options(axes["measure"]).get(IMAGES)


def _fewest(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return min(known) if known else None


def _nearest(claim: Claim, dataset: str, earlier: Sequence[tuple[str, Cell]]) -> Cell | None:
    """The earlier cell of the claim that lies closest to the margin, for its width, among those of
    this data set if there are any.
    """
    cells = [cell for name, cell in earlier if name == claim.id]
    here = [cell for cell in cells if cell["dataset"] == dataset] or cells
    return min(here, key=lambda cell: _certainty(cell, claim.margin), default=None)


def _certainty(cell: Cell, margin: float) -> float:
    width = float(cell["high"] - cell["low"])
    return abs(float(cell["value"]) - margin) / width if width else float("inf")


def _judged(path: Path) -> Iterator[tuple[str, Cell]]:
    try:
        claims = read_json(path)
    except BadFile:
        return
    for claim in claims:
        for cell in claim["cells"]:
            if all(cell.get(name) is not None for name in NUMBERS) and cell.get("seeds") == 1:
                yield claim["id"], cell
