"""PGD in L_inf: images per second beside torchattacks and foolbox, at losses that agree."""

from __future__ import annotations

from robustgen.bench import race
from robustgen.bench.rows import Row
from robustgen.bench.settings import Settings


def pairs(settings: Settings) -> list[Row]:
    """One row per peer as its users run it, and one per peer on the very net that ours gets."""
    return race.measure(settings)


def judge(rows: list[Row]) -> list[str]:
    """The range of the losses, and a warning per peer that is closer than it should be."""
    race.judge(rows)
    return [race.agreed(rows), *race.warnings(rows)]
