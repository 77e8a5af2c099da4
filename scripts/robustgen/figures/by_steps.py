"""Energy and accuracy by the number of steps: figures 2b (PGD) and 3b (High-Energy PGD)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, ORANGE, Picture
from robustgen.stats.cells import spread

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model and budget: mean E with its spread at each step count, the accuracy above
    each point.
    """
    scores = cells.test_rows(read_rows(files["scores"]))
    figure, attack = cells.grid(scores, spec, panel=_panel), cells.attacks(spec)
    caption = (
        "Mean of E(x) over test images (bars: one standard deviation) after so many steps of "
        f"{attack}; 0 steps is the "
        "random start. Numbers: accuracy. Blue: clean images with one standard deviation." + absent
    )
    return Picture(figure, f"Energy by steps of {attack}", caption)


def _panel(axis: Any, clean: pd.DataFrame, attacked: pd.DataFrame) -> None:
    first, mean, width = attacked.iloc[0], clean["energy"].mean(), spread(clean, "energy")
    groups = attacked.groupby("steps")
    by_steps = groups.agg(energy=("energy", "mean"), fooled=("success", "mean"))
    by_steps["spread"] = [spread(rows, "energy") for _, rows in groups]
    places = range(len(by_steps))
    axis.axhspan(mean - width, mean + width, color=BLUE, alpha=0.15, lw=0)
    axis.axhline(mean, color=BLUE, label=f"clean, acc. {1 - clean['success'].mean():.0%}")
    name = cells.label(first, axes_of(attacked))
    axis.errorbar(
        places,
        by_steps["energy"],
        by_steps["spread"],
        color=ORANGE,
        marker="o",
        ms=4,
        capsize=3,
        label=name,
    )
    for place, (_, row) in zip(places, by_steps.iterrows(), strict=True):
        top = row["energy"] + row["spread"]
        axis.annotate(
            f"{1 - row['fooled']:.0%}",
            (place, top),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
    axis.margins(y=0.15)
    axis.set_xticks(list(places), [str(steps) for steps in by_steps.index])
    axis.set_title(cells.heading(first["dataset"], first["model"], first["eps"]))
    axis.set_xlabel("steps")
    axis.set_ylabel("E(x)")
    axis.legend(fontsize=7, loc="lower left")
