"""Which cells a figure of energies shows, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from robustgen.core.rows import CLEAN
from robustgen.figures.style import blank, panels
from robustgen.tables.table import budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# axes, natural rows, attacked rows of one budget
Panel = Callable[[Any, pd.DataFrame, pd.DataFrame], None]


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
    words = (
        dataset
        if model == f"{dataset}_standard"
        else (f"{dataset} ({model.removeprefix(dataset + '_')} net)")
    )
    return f"{words}, $\\epsilon$ = {budget(eps)}" if eps else words


def attacks(spec: dict[str, Any]) -> str:
    """The names of a figure's attacks for its caption."""
    return ", ".join(label(name, 0) for name in spec["attacks"])


def grid(scores: pd.DataFrame, spec: dict[str, Any], *, steps: int | None, panel: Panel) -> Figure:
    """A figure with a line of panels per model and a panel per budget, at one step count where it
    is given.
    """
    lines = [
        (model, natural(scores, model), attacked(scores, model, spec)) for model in spec["models"]
    ]
    figure, axes = panels(len(lines), max(rows["eps"].nunique() for *_, rows in lines) or 1)
    for line, (model, clean, rows) in zip(axes, lines, strict=True):
        shown = rows if steps is None else rows[rows["steps"] == steps]
        budgets = dict(list(shown.groupby("eps", sort=True))) if len(clean) else {}
        for place, axis in enumerate(line):
            if place < len(budgets):
                panel(axis, clean, list(budgets.values())[place])
            else:
                blank(axis, "" if place else f"{model}: no rows")
    return figure
