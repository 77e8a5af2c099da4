"""Claims: sentences with a rule that was written before the runs, judged cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of, with_axes
from robustgen.stats import intervals
from robustgen.stats.against import Models, Other, held_against
from robustgen.stats.cells import STEPS, has, last
from robustgen.stats.holm import holm
from robustgen.stats.intervals import Interval
from robustgen.stats.named import statistic
from robustgen.stats.rules import Claim, NotMeasured

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_TESTED = "inconclusive", "not tested at this scale"

Verdict = dict[str, Any]  # a cell as it is written


def judge_all(
    claims: list[Claim], rows: Mapping[str, pd.DataFrame], models: Models
) -> list[dict[str, Any]]:
    """Each claim with its cells; `rows` are those of scores and of each measure.

    Beside the p-value of a cell stand those that Holm corrects over the cells of its claim, and
    over all cells of the claims on its work.
    """
    judged = [
        asdict(claim) | {"cells": judge(claim, rows.get(claim.measure, pd.DataFrame()), models)}
        for claim in claims
    ]
    for claim in judged:
        _correct(claim["cells"], "p_claim")
    for work in dict.fromkeys(claim["work"] for claim in judged):
        of_work = [cell for claim in judged if claim["work"] == work for cell in claim["cells"]]
        _correct(of_work, "p_work")
    return judged


def _correct(cells: list[Verdict], name: str) -> None:
    """Write Holm's corrected p-values of the measured cells under a name; the others have none."""
    measured = [cell for cell in cells if cell["p"] is not None]
    for cell in cells:
        cell[name] = None
    for cell, p in zip(measured, holm([cell["p"] for cell in measured]), strict=True):
        cell[name] = p


def judge(claim: Claim, rows: pd.DataFrame, models: Models) -> list[Verdict]:
    """One verdict per data set, model and setting of the axes whose net is of the claim's family,
    at the largest step count; or at the setting that the claim names.
    """
    if rows.empty:
        return []
    if "attack" not in rows:  # of a measure that is on clean images
        rows = with_axes(rows.assign(attack=CLEAN), axes_of(rows))
    family = [name for name, facts in models.items() if facts["family"] == claim.family]
    mine = rows[(rows["attack"] == (claim.attack or CLEAN)) & rows["model"].isin(family)]
    shown = [axis for axis in axes_of(rows) if axis != STEPS or axis in claim.at]
    axes = [axis for axis in shown if has(mine, axis)]
    verdicts: list[Verdict] = []
    for key, own in mine.groupby(["dataset", "model"], sort=False):
        there = _at(own, claim.at)
        if there.empty:
            verdicts.append({**_named(key, []), **_verdict(claim, own, _nowhere(claim, own))})
        for cut, cell in there.groupby(["dataset", "model", *axes], sort=False):
            other = held_against(claim, rows, cell, models)
            verdicts.append({**_named(cut, axes), **_verdict(claim, cell, other)})
    return verdicts


def _at(rows: pd.DataFrame, setting: Mapping[str, Any]) -> pd.DataFrame:
    """The rows at a setting of some axes."""
    for axis, value in setting.items():
        rows = rows[rows[axis] == value] if axis in rows else rows.iloc[:0]
    return rows


def _nowhere(claim: Claim, own: pd.DataFrame) -> Other:
    """What a model is held against that was not attacked at the claim's setting."""
    setting = " and ".join(f"{axis} {value}" for axis, value in claim.at.items())
    return Other("", own.iloc[:0], f"no rows at {setting}")


def _named(key: tuple[Any, ...], axes: list[str]) -> Verdict:
    """The names of a cell for JSON, which knows no infinite number."""
    dataset, model, *settings = key
    said = {axis: _plain(value) for axis, value in zip(axes, settings, strict=True)}
    return {"dataset": dataset, "model": model, "axes": said}


def _plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    return "unbounded" if value == np.inf else value


def _verdict(claim: Claim, cell: pd.DataFrame, other: Other) -> Verdict:
    facts = {"n": _images(cell), "success": _success(cell), "seeds": last(cell)["seed"].nunique()}
    try:
        _check(claim, cell, other)
        measured = _measured(claim, cell, other)
    except NotMeasured as error:
        return {**facts, **_numbers(None), "p": None, "verdict": NOT_TESTED, "why": str(error)}
    found, over = intervals.over_seeds(measured)
    facts["seeds"] = len(measured)  # some of a cell's may lack what they are held against
    why = f"interval over {over}"
    if claim.against and not claim.rival:
        why += f", held against {other.name}"
    numbers = _numbers(found) | {"p": found.p(claim.margin)}
    return {**facts, **numbers, "verdict": _decide(claim, found), "why": why}


def _check(claim: Claim, cell: pd.DataFrame, other: Other) -> None:
    """Raise NotMeasured with the first condition of the rule that is not met."""
    dataset, n, least = cell["dataset"].iloc[0], _images(cell), claim.min_success
    if dataset in claim.not_tested:
        raise NotMeasured(claim.not_tested[dataset])
    if n < claim.min_n:
        raise NotMeasured(f"{n} images, the rule asks for {claim.min_n}")
    if (success := _success(cell)) is not None and success < least:
        raise NotMeasured(f"the attack fools {success:.1%}, the rule asks for {least:.0%}")
    if other.rows.empty:
        raise NotMeasured(other.missing)
    theirs = _success(other.rows) if claim.rival else None
    if theirs is not None and theirs < least:
        raise NotMeasured(f"{claim.rival} fools {theirs:.1%}, the rule asks for {least:.0%}")


def _measured(claim: Claim, cell: pd.DataFrame, other: Other) -> list[Interval]:
    """The statistic in each repetition that both sides have and in which it has a value."""
    measure, others = statistic(claim.statistic), dict(list(other.rows.groupby("seed")))
    found: list[Interval] = []
    why = "no repetition that both sides have"
    for seed, part in cell.groupby("seed"):
        try:
            found += [measure(part, others[seed])] if seed in others else []
        except NotMeasured as error:
            why = str(error)
    if not found:
        raise NotMeasured(why)
    return found


def _numbers(interval: Interval | None) -> dict[str, float | None]:
    """An interval for JSON; a number that is not finite is left out."""
    values = interval._asdict() if interval else dict.fromkeys(Interval._fields, np.nan)
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def _images(rows: pd.DataFrame) -> int:
    rows = last(rows)
    return int(rows["index"].nunique()) if "index" in rows else len(rows)


def _success(rows: pd.DataFrame) -> float | None:
    """The attack's success; None of a measure that does not know it."""
    return float(last(rows)["success"].mean()) if "success" in rows else None


def _decide(claim: Claim, interval: Interval) -> str:
    """Reproduced where the whole interval lies on the claimed side of the margin, not reproduced
    where none of it does.
    """
    sign = 1 if claim.direction == "above" else -1
    low, high = sorted((sign * interval.low, sign * interval.high))
    if low > sign * claim.margin:
        return REPRODUCED
    return NOT_REPRODUCED if high <= sign * claim.margin else INCONCLUSIVE
