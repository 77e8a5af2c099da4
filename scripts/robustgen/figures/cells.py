"""Which cells a figure of energies shows, and what they are called."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.plan import CLEAN
from robustgen.tables.table import budget


def test_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of test images."""
    return scores[scores["split"] == "test"]


def natural(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """The natural images of a model."""
    return scores[(scores["model"] == model) & (scores["attack"] == CLEAN)]


def attacked(scores: pd.DataFrame, model: str, spec: dict[str, Any]) -> pd.DataFrame:
    """The attacked images of a model, under the figure's attacks."""
    return scores[(scores["model"] == model) & scores["attack"].isin(list(spec["attacks"]))]


def label(attack: str, weight: float) -> str:
    """An attack's name for a legend."""
    return f"{attack.replace('_', '-').upper()}" + (f" ($\\lambda$ = {weight:g})" if weight else "")


def heading(dataset: str, model: str, eps: float | None = None) -> str:
    """A panel's heading."""
    words = dataset if model == f"{dataset}_standard" else f"{dataset} ({model.removeprefix(dataset + '_')} net)"
    return f"{words}, $\\epsilon$ = {budget(eps)}" if eps else words


def widest(scores: pd.DataFrame, spec: dict[str, Any], models: list[str]) -> int:
    """The largest number of budgets of a model."""
    return max((attacked(scores, model, spec)["eps"].nunique() for model in models), default=1) or 1
