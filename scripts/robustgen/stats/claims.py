"""Claims: sentences with a rule that was written before the runs, judged cell by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.stats import intervals
from robustgen.stats.against import Models, Other, held_against
from robustgen.stats.intervals import Interval
from robustgen.stats.rules import Claim
from robustgen.stats.statistics import STATISTICS, NotMeasured, last

CELL = ("dataset", "model", "eps", "weight")
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_TESTED = "inconclusive", "not tested at this scale"


def judge(claim: Claim, rows: pd.DataFrame, models: Models) -> list[dict[str, Any]]:
    """One verdict per data set, model, eps and weight whose net was trained as the claim says, at
    the largest step count.
    """
    if rows.empty:
        return []
    of_objective = [name for name, facts in models.items() if facts["objective"] == claim.objective]
    mine = rows[(rows["attack"] == claim.attack) & rows["model"].isin(of_objective)]
    return [
        {**_named(axes), **_verdict(claim, cell, held_against(claim, rows, cell, models))}
        for axes, cell in mine.groupby(list(CELL), sort=False)
    ]


def _named(axes: tuple[Any, ...]) -> dict[str, Any]:
    """The axes of a cell for JSON, which knows no infinite number."""
    cell = dict(zip(CELL, axes, strict=True))
    return cell if np.isfinite(cell["eps"]) else cell | {"eps": "unbounded"}


def _verdict(claim: Claim, cell: pd.DataFrame, other: Other) -> dict[str, Any]:
    shown = last(cell)
    facts = {
        "n": shown["index"].nunique(),
        "success": _success(cell),
        "seeds": shown["seed"].nunique(),
    }
    try:
        _check(claim, cell, other)
        interval, over = intervals.over_seeds(_measured(claim, cell, other))
    except NotMeasured as error:
        return {**facts, **_numbers(None), "verdict": NOT_TESTED, "why": str(error)}
    why = f"interval over {over}" + (f", held against {other.name}" if claim.against_net else "")
    return {**facts, **_numbers(interval), "verdict": _decide(claim, interval), "why": why}


def _check(claim: Claim, cell: pd.DataFrame, other: Other) -> None:
    """Raise NotMeasured with the first condition of the rule that is not met."""
    dataset, n = cell["dataset"].iloc[0], last(cell)["index"].nunique()
    if dataset in claim.not_tested:
        raise NotMeasured(claim.not_tested[dataset])
    if n < claim.min_n:
        raise NotMeasured(f"{n} images, the rule asks for {claim.min_n}")
    if _success(cell) < claim.min_success:
        raise NotMeasured(
            f"the attack fools {_success(cell):.1%}, the rule asks for {claim.min_success:.0%}"
        )
    if other.rows.empty:
        raise NotMeasured(other.missing)
    if claim.against and _success(other.rows) < claim.min_success:
        raise NotMeasured(
            f"{claim.against} fools {_success(other.rows):.1%}, the rule asks for "
            f"{claim.min_success:.0%}"
        )


def _measured(claim: Claim, cell: pd.DataFrame, other: Other) -> list[Interval]:
    """The statistic in each repetition that both sides have and in which it has a value."""
    others, found, why = (
        dict(list(other.rows.groupby("seed"))),
        [],
        ("no repetition that both sides have"),
    )
    for seed, part in cell.groupby("seed"):
        try:
            found += [STATISTICS[claim.statistic](part, others[seed])] if seed in others else []
        except NotMeasured as error:
            why = str(error)
    if not found:
        raise NotMeasured(why)
    return found


def _numbers(interval: Interval | None) -> dict[str, float | None]:
    """An interval for JSON; a number that is not finite is left out."""
    values = interval._asdict() if interval else dict.fromkeys(Interval._fields, np.nan)
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def _success(rows: pd.DataFrame) -> float:
    return float(last(rows)["success"].mean())


def _decide(claim: Claim, interval: Interval) -> str:
    """Reproduced where the whole interval lies on the claimed side of the margin, not reproduced
    where none of it does.
    """
    sign = 1 if claim.direction == "above" else -1
    low, high = sorted((sign * interval.low, sign * interval.high))
    if low > sign * claim.margin:
        return REPRODUCED
    return NOT_REPRODUCED if high <= sign * claim.margin else INCONCLUSIVE
