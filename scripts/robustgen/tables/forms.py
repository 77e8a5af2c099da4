"""The forms of attacks on one model: each setting of an attack's axes, at its last step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.stats.cells import STEPS, at_last_step
from robustgen.tables.cells import named


@dataclass(frozen=True)
class Form:
    """One setting of an attack with its rows, at the last step."""

    attack: str
    norm: str
    eps: float
    rows: pd.DataFrame
    name: str  # the attack with its other axes: `he_pgd (lambda 1.2)`

    @property
    def steps(self) -> float:
        """The step count; more than 1 of an attack that counts none."""
        return float(self.rows[STEPS].max()) or np.inf if STEPS in self.rows else np.inf

    @property
    def success(self) -> float:
        """The share of images that are fooled."""
        return float(self.rows["success"].mean())

    def as_large_as(self, other: Form) -> bool:
        """Whether both have the same norm and budget."""
        return (self.norm, self.eps) == (other.norm, other.eps)


def right_images(scores: pd.DataFrame) -> pd.DataFrame:
    """The attacked rows of images that the model gets right unattacked."""
    clean = scores[(scores["attack"] == CLEAN) & (scores["success"] < 0.5)]
    right = clean.set_index(["seed", "index"]).index
    attacked = scores[scores["attack"] != CLEAN]
    return attacked[attacked.set_index(["seed", "index"]).index.isin(right)]


def forms(attacked: pd.DataFrame, attacks: dict[str, dict[str, Any]]) -> list[Form]:
    """Each setting of each of the attacks, at its last step."""
    axes = [axis for axis in axes_of(attacked) if axis != STEPS]
    others = [axis for axis in axes if axis != "eps"]
    last = at_last_step(attacked[attacked["attack"].isin(list(attacks))])
    found = []
    for (attack, *_), rows in last.groupby(["attack", *axes], sort=False):
        first, norm = rows.iloc[0], attacks[attack]["norm"]
        eps = float(first["eps"]) if "eps" in axes else 0.0
        found.append(Form(attack, norm, eps, rows, named(others)(first)))
    return found


def paired(one: Form, other: Form) -> list[tuple[np.ndarray, np.ndarray]]:
    """Success under both on the images that both attacked, in each repetition that both have."""
    both = one.rows.merge(other.rows, on=["seed", "index"], suffixes=("", "_other"))
    return [
        (part["success"].to_numpy(float), part["success_other"].to_numpy(float))
        for _, part in both.groupby("seed")
    ]
