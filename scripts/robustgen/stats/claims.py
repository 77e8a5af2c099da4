"""Claims: sentences with a rule that was written before the runs, judged cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.files import BadFile
from robustgen.core.rows import CLEAN
from robustgen.stats import intervals
from robustgen.stats.intervals import Interval

CELL = ("dataset", "model", "eps", "weight")
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_TESTED = "inconclusive", "not tested at this scale"


@dataclass(frozen=True)
class Claim:
    """One entry of config/claims.yaml."""

    id: str
    work: str
    place: str
    sentence: str
    objective: str  # how the nets it speaks of were trained
    attack: str
    statistic: str  # name of a function in STATISTICS
    direction: str  # above | below
    margin: float
    min_n: int
    min_success: float = 0.0  # of the attack (and of the one it is held against); below, the claim does not apply
    against: str | None = None
    not_tested: dict[str, str] = field(default_factory=dict)  # data set -> reason, decided beforehand


def read(path: str | Path) -> list[Claim]:
    """The claims of a YAML file."""
    import yaml

    try:
        claims = [Claim(**entry) for entry in yaml.safe_load(Path(path).read_text(encoding="utf-8"))]
    except TypeError as error:
        raise BadFile(f"{path}: a claim has a wrong or missing key ({error}).") from error
    for claim in claims:
        if claim.statistic not in STATISTICS or claim.direction not in ("above", "below"):
            raise BadFile(f"{path}: claim {claim.id} needs a statistic of {', '.join(STATISTICS)} and above or below.")
    return claims


def judge(claim: Claim, rows: pd.DataFrame, objectives: dict[str, str]) -> list[dict[str, Any]]:
    """One verdict per data set, model, eps and weight whose net was trained as the claim says, at the largest step count."""
    if rows.empty:
        return []
    of_objective = [model for model, objective in objectives.items() if objective == claim.objective]
    mine = rows[(rows["attack"] == claim.attack) & rows["model"].isin(of_objective)]
    return [
        {**dict(zip(CELL, axes, strict=True)), **_verdict(claim, rows, cell)}
        for axes, cell in mine.groupby(list(CELL), sort=False)
    ]


def _verdict(claim: Claim, rows: pd.DataFrame, cell: pd.DataFrame) -> dict[str, Any]:
    dataset = cell["dataset"].iloc[0]
    last = cell[cell["steps"] == cell["steps"].max()]
    n, success = last["index"].nunique(), float(last["success"].mean())
    facts = {"n": n, "success": success, "seeds": last["seed"].nunique(), "value": None, "low": None, "high": None}
    if dataset in claim.not_tested:
        return {**facts, "verdict": NOT_TESTED, "why": claim.not_tested[dataset]}
    if n < claim.min_n:
        return {**facts, "verdict": NOT_TESTED, "why": f"{n} images, the rule asks for {claim.min_n}"}
    if success < claim.min_success:
        why = f"the attack fools {success:.1%}, the rule asks for {claim.min_success:.0%}"
        return {**facts, "verdict": NOT_TESTED, "why": why}
    other = _held_against(claim, rows, cell)
    if other.empty:
        return {**facts, "verdict": NOT_TESTED, "why": f"no rows of {claim.against or CLEAN} at this budget"}
    if claim.against and float(_last(other)["success"].mean()) < claim.min_success:
        why = f"{claim.against} fools {_last(other)['success'].mean():.1%}, the rule asks for {claim.min_success:.0%}"
        return {**facts, "verdict": NOT_TESTED, "why": why}
    measure, others = STATISTICS[claim.statistic], dict(list(other.groupby("seed")))
    found = [measure(part, others[seed]) for seed, part in cell.groupby("seed") if seed in others]
    interval, over = intervals.over_seeds(found)
    facts |= {"value": interval.value, "low": interval.low, "high": interval.high}
    return {**facts, "verdict": _decide(claim, interval), "why": f"interval over {over}"}


def _decide(claim: Claim, interval: Interval) -> str:
    """Reproduced where the whole interval lies on the claimed side of the margin, not reproduced where none of it does."""
    sign = 1 if claim.direction == "above" else -1
    low, high = sorted((sign * interval.low, sign * interval.high))
    if low > sign * claim.margin:
        return REPRODUCED
    return NOT_REPRODUCED if high <= sign * claim.margin else INCONCLUSIVE


def _held_against(claim: Claim, rows: pd.DataFrame, cell: pd.DataFrame) -> pd.DataFrame:
    """The rows of the same net that a claim compares with: natural images, or another attack at the same budget."""
    other = rows[(rows["model"] == cell["model"].iloc[0]) & (rows["attack"] == (claim.against or CLEAN))]
    if claim.against:
        other = other[other["eps"] == cell["eps"].iloc[0]]
        other = other[other["weight"] == other["weight"].min()]  # of a rival that is swept, its plainest form
    return other


# --- statistics: (rows of the attack in one repetition, rows it is held against) -> Interval ---------------------------


def energy_change(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean of E(attacked) - E(natural), image by image, at the last step."""
    return intervals.mean((_by_image(_last(part)) - _by_image(other)).to_numpy())


def largest_rise_between_steps(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """The largest mean change of E between consecutive positive step counts; below 0 where E falls all along."""
    energies = [_by_image(rows) for rows in _by_steps(part)]
    changes = [intervals.mean((b - a).to_numpy()) for a, b in pairwise(energies)]
    return max(changes)


def auroc(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """AUROC of -E between attacked images at the last step and natural ones."""
    return intervals.auroc(-_last(part)["energy"].to_numpy(), -other["energy"].to_numpy())


def success_difference(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """Mean difference, image by image, of being fooled by the attack and by the one it is held against."""
    ours, theirs = _last(part).set_index("index")["success"], _last(other).set_index("index")["success"]
    return intervals.paired_share_difference(ours.to_numpy(), theirs.reindex(ours.index).to_numpy())


def drift_ratio(part: pd.DataFrame, other: pd.DataFrame) -> Interval:
    """|mean change of E from the first to the last step count| over that of the attack it is held against."""
    ours, theirs = _drift(part), _drift(other)
    pairs = np.stack([ours.to_numpy(), theirs.reindex(ours.index).to_numpy()], axis=1)
    return intervals.bootstrap(lambda sample: float(abs(sample[:, 0].mean()) / abs(sample[:, 1].mean())), pairs)


def _drift(rows: pd.DataFrame) -> pd.Series:
    """Per image E at the last minus E at the first positive step count."""
    steps = list(_by_steps(rows))
    change: pd.Series = _by_image(steps[-1]) - _by_image(steps[0])
    return change


def _by_steps(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (group for steps, group in rows.groupby("steps", sort=True) if steps > 0)


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["steps"] == rows["steps"].max()]


def _by_image(rows: pd.DataFrame) -> pd.Series:
    energies: pd.Series = rows.set_index("index")["energy"]
    return energies


STATISTICS: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Interval]] = {
    function.__name__: function
    for function in (energy_change, largest_rise_between_steps, auroc, success_difference, drift_ratio)
}
