"""Which cells a figure of energies shows, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.figures.style import blank, panels
from robustgen.stats.cells import STEPS, at_last_step
from robustgen.tables.cells import words
from robustgen.tables.table import budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# axes, clean rows, attacked rows of one budget
Panel = Callable[[Any, pd.DataFrame, pd.DataFrame], None]


def test_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of test images."""
    return scores[scores["split"] == "test"]


def clean(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """The clean images of a model."""
    return scores[(scores["model"] == model) & (scores["attack"] == CLEAN)]


def attacked(scores: pd.DataFrame, model: str, spec: dict[str, Any]) -> pd.DataFrame:
    """The attacked images of a model, under the figure's attacks."""
    return scores[(scores["model"] == model) & scores["attack"].isin(list(spec["attacks"]))]


def label(row: pd.Series, axes: Iterable[str] = ()) -> str:
    """An attack's name for a legend, with its axes other than the budget and the steps."""
    said = setting(row, [axis for axis in axes if row[axis] not in (0, "")])
    return name(row["attack"]) + (f" ({said})" if said else "")


def setting(row: pd.Series, axes: Iterable[str]) -> str:
    """The axes of a row other than the budget and the steps: `$\\lambda$ = 1.2`."""
    said = words(row, forms_by(axes), zeros=True)
    return said.replace("lambda", "$\\lambda$ =")


def forms_by(axes: Iterable[str]) -> list[str]:
    """The axes that tell forms of an attack apart."""
    return [axis for axis in axes if axis not in ("eps", STEPS)]


def name(attack: str) -> str:
    """An attack's name as it is printed: `HE-PGD`."""
    return attack.replace("_", "-").upper()


def forms(attacked: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """(label, rows) of each attack and setting of its axes other than the budget and the steps."""
    axes = axes_of(attacked)
    for _, rows in attacked.groupby(["attack", *forms_by(axes)], sort=False):
        yield label(rows.iloc[0], axes), rows


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
    return ", ".join(map(name, spec["attacks"]))


def with_steps(spec: dict[str, Any]) -> str:
    """The figure's attacks with the step count that is shown: of the options, or the largest."""
    steps = spec["options"].get(STEPS)
    if steps is None:
        steps = max(max(entry["sweep"].get(STEPS, [0])) for entry in spec["attacks"].values())
    said = words({STEPS: steps}, [STEPS], zeros=spec["options"].get(STEPS) == 0)
    return f"{attacks(spec)} with {said}" if said else attacks(spec)


def at_steps(rows: pd.DataFrame, spec: dict[str, Any]) -> pd.DataFrame:
    """Clean rows, and those at the step count that the options name, else at each attack's last."""
    steps = spec["options"].get(STEPS)
    if steps is None or STEPS not in rows:  # nothing but clean rows is there
        return at_last_step(rows)
    return rows[(rows[STEPS] == steps) | (rows["attack"] == CLEAN)]


def grid(scores: pd.DataFrame, spec: dict[str, Any], *, panel: Panel) -> Figure:
    """A figure with a line of panels per model and a panel per budget."""
    lines = [
        (model, clean(scores, model), _budgets(attacked(scores, model, spec)))
        for model in spec["models"]
    ]
    figure, axes = panels(len(lines), max(len(budgets) for *_, budgets in lines) or 1)
    for line, (model, unattacked, budgets) in zip(axes, lines, strict=True):
        for place, axis in enumerate(line):
            if place < len(budgets) and len(unattacked):
                panel(axis, unattacked, budgets[place])
            else:
                blank(axis, "" if place else f"{model}: no rows")
    return figure


def _budgets(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each budget, from the smallest on; none where no attack has rows."""
    return [part for _, part in rows.groupby("eps", sort=True)] if "eps" in rows else []
