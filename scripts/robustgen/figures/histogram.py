"""Energy of attacked against clean images: figures 2a (PGD) and 3a (High-Energy PGD)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import axes_of, read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, ORANGE, Picture
from robustgen.stats.intervals import auroc

NEEDS = ("scores",)
OPTIONS = {
    "steps": {
        "type": "whole number",
        "least": 0,
        "default": None,
        "among": "steps",
        "means": "The step count that is shown; the largest where left out.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model and budget; `options.steps` is the step count, the largest where left
    out.
    """
    scores = cells.test_rows(read_rows(files["scores"]))
    shown = cells.at_steps(scores, spec)
    figure, attack = cells.grid(shown, spec, panel=_panel), cells.attacks(spec)
    caption = (
        f"Histograms of E(x) on test images: clean (blue), attacked by {attack} (orange); "
        "accuracies in the legend. "
        "AUROC is that of -E: 1 where attacked images lie wholly lower, 0.5 where the two cannot "
        "be told apart." + absent
    )
    return Picture(figure, f"Energy under {attack}", caption)


def _panel(axis: Any, clean: pd.DataFrame, attacked: pd.DataFrame) -> None:
    import seaborn

    first = attacked.iloc[0]
    both = pd.concat([clean["energy"], attacked["energy"]])
    bins = np.linspace(both.min(), both.max(), 41)
    shown = (
        (clean, BLUE, f"clean, acc. {1 - clean['success'].mean():.0%}"),
        (
            attacked,
            ORANGE,
            f"{cells.label(first, axes_of(attacked))}, acc. {1 - attacked['success'].mean():.0%}",
        ),
    )
    for rows, colour, name in shown:
        seaborn.histplot(
            x=rows["energy"],
            bins=bins,
            stat="density",
            color=colour,
            alpha=0.5,
            label=name,
            ax=axis,
            lw=0,
        )
    area = auroc(-attacked["energy"].to_numpy(), -clean["energy"].to_numpy()).value
    axis.set_title(
        f"{cells.heading(first['dataset'], first['model'], first['eps'])}, {first['steps']} "
        f"steps, AUROC {area:.3f}"
    )
    axis.set_xlabel("E(x)")
    axis.legend(fontsize=7)
