"""What a cell of a claim is held against: clean images, another attack on the same net, or the same
attack on a net of another family, on a part of the model, or at the largest value of an axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.stats.cells import STEPS
from robustgen.stats.rules import Against, Claim

Models = Mapping[str, Mapping[str, Any]]  # name -> its facts, of which rules.FACTS


@dataclass(frozen=True)
class Other:
    """The rows that a cell is held against, what they are of, and the sentence for their
    absence.
    """

    name: str
    rows: pd.DataFrame
    missing: str


def held_against(claim: Claim, rows: pd.DataFrame, cell: pd.DataFrame, models: Models) -> Other:
    """The rows that the claim compares a cell with; of attacks at the same budget."""
    mine, axes = cell.iloc[0], [axis for axis in axes_of(rows) if axis != STEPS]
    if claim.against and claim.against.largest:
        return _largest(claim.against.largest, rows, mine, axes)
    if claim.against and not claim.rival:
        alike = _same(rows, mine, ["attack", *axes])
        if claim.against.part:
            return _part(claim, claim.against.part, alike, models[mine["model"]])
        return _twin(claim, claim.against, alike, mine["model"], models)
    name = claim.rival or CLEAN
    other = _same(rows[rows["attack"] == name], mine, ["model"])
    if claim.rival:
        other = _same(other, mine, [axis for axis in axes if axis == "eps"])
        for axis in axes:
            other = _nearest(other, axis, mine[axis])
    return Other(name, other, f"no rows of {name} at this budget")


def _largest(axis: str, rows: pd.DataFrame, mine: pd.Series, axes: Iterable[str]) -> Other:
    """The rows of the same attack on the same net at the largest value of an axis."""
    others = _same(rows, mine, ["attack", "model", *(other for other in axes if other != axis)])
    most = others[axis].max() if axis in others else mine.get(axis)
    missing = f"nothing above {axis} {mine.get(axis, 0):g} to hold it against"
    if most == mine.get(axis):
        return Other("", rows.iloc[:0], missing)
    return Other(f"{axis} {most:g}", others[others[axis] == most], missing)


def _twin(claim: Claim, against: Against, rows: pd.DataFrame, model: str, models: Models) -> Other:
    """The first net with rows that is of the other family and shares with `model` what the claim
    says.
    """
    shared = {fact: models[model][fact] for fact in against.same} | {"family": against.family}
    twins = [
        other
        for other, facts in models.items()
        if other != model and {fact: facts[fact] for fact in shared} == shared
    ]
    if not twins:
        facts = ", ".join(against.same)
        why = f"the study has no net of family {against.family} with the same {facts} as {model}"
        return Other("", rows.iloc[:0], why)
    name = next((twin for twin in twins if (rows["model"] == twin).any()), twins[0])
    return _of_model(claim, name, rows)


def _part(claim: Claim, role: str, rows: pd.DataFrame, facts: Mapping[str, Any]) -> Other:
    """The rows of the model that stands in a role of this one."""
    name = facts["parts"].get(role)
    if not name:
        return Other("", rows.iloc[:0], f"the model has no part {role}")
    return _of_model(claim, name, rows)


def _of_model(claim: Claim, name: str, rows: pd.DataFrame) -> Other:
    under = f" under {claim.attack}" if claim.attack else ""
    missing = f"no rows of {name}{under} at this budget"
    return Other(name, rows[rows["model"] == name], missing)


def _same(rows: pd.DataFrame, mine: pd.Series, axes: Iterable[str]) -> pd.DataFrame:
    """The rows that agree with a cell on these axes."""
    for axis in axes:
        rows = rows[rows[axis] == mine[axis]]
    return rows


def _nearest(rows: pd.DataFrame, axis: str, value: Any) -> pd.DataFrame:
    """The rows at a cell's value of an axis; where a rival does not have it, at its least, which is
    its plainest form.
    """
    there = rows[rows[axis] == value]
    return there if len(there) else rows[rows[axis] == rows[axis].min()]
