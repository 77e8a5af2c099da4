"""What a cell of a claim is held against: natural images, another attack on the same net, or the
same attack on another net.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN
from robustgen.stats.rules import Claim

TWINS = ("dataset", "net", "options")  # what a net shares with the one that it is held against

Models = Mapping[str, Mapping[str, Any]]  # name -> dataset, objective (its kind), net, options


@dataclass(frozen=True)
class Other:
    """The rows that a cell is held against, what they are of, and the sentence for their
    absence.
    """

    name: str
    rows: pd.DataFrame
    missing: str


def held_against(claim: Claim, rows: pd.DataFrame, cell: pd.DataFrame, models: Models) -> Other:
    """The rows that the claim compares a cell with."""
    mine = cell.iloc[0]
    if claim.against_net:
        return _twin(
            claim,
            rows[(rows["attack"] == claim.attack) & _same(rows, mine, "eps", "weight")],
            mine["model"],
            models,
        )
    name = claim.against or CLEAN
    other = rows[(rows["attack"] == name) & _same(rows, mine, "model")]
    if claim.against:
        other = other[_same(other, mine, "eps")]
        # of a rival that is swept, its plainest form
        other = other[other["weight"] == other["weight"].min()]
    return Other(name, other, f"no rows of {name} at this budget")


def _twin(claim: Claim, rows: pd.DataFrame, model: str, models: Models) -> Other:
    """The first net with rows that differs from `model` in its training alone and was trained as
    the claim says.
    """
    mine = {key: models[model][key] for key in TWINS} | {"objective": claim.against_net}
    twins = [
        name
        for name, facts in models.items()
        if name != model and {key: facts[key] for key in mine} == mine
    ]
    if not twins:
        why = (
            f"the study has no net of {claim.against_net} training on {mine['dataset']} with "
            f"the architecture of {model}"
        )
        return Other("", rows.iloc[:0], why)
    name = next((twin for twin in twins if (rows["model"] == twin).any()), twins[0])
    return Other(
        name,
        rows[rows["model"] == name],
        (f"no rows of {name} under {claim.attack} at this budget"),
    )


def _same(rows: pd.DataFrame, mine: pd.Series, *axes: str) -> pd.Series:
    return reduce(and_, (rows[axis] == mine[axis] for axis in axes))
