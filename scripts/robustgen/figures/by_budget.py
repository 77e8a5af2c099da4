"""Where the energy turns: it rises while an attack only reaches the boundary and falls once it
overshoots.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, GREEN, ORANGE, Picture, blank, panels
from robustgen.stats.cells import at_last_step, spread
from robustgen.stats.intervals import auroc
from robustgen.tables.cells import last_steps
from robustgen.tables.table import budget

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model two panels: mean E by budget against clean images, and success and AUROC of -E by
    budget.
    """
    scores = cells.test_rows(read_rows(files["scores"]))
    models = list(spec["models"])
    figure, axes = panels(2, len(models), sharex="col")
    for (upper, lower), model in zip(axes.T, models, strict=True):
        clean, attacked = cells.clean(scores, model), cells.attacked(scores, model, spec)
        if clean.empty or attacked.empty:
            blank(upper, f"{model}: no rows")
            blank(lower, "")
            continue
        _panels(upper, lower, clean, at_last_step(attacked))
    said = [f"{name}, {last_steps(entry)}" for name, entry in spec["attacks"].items()]
    attack = ", ".join(one.removesuffix(", ") for one in said)
    caption = (
        f"Above: mean of E(x) under {attack} by budget (bars: one standard deviation over images), "
        "clean in blue. Below: "
        "share of images that fool the net, and AUROC of -E as a detector; below 0.5 attacked "
        "images have the higher energy." + absent
    )
    return Picture(figure, "Energy against the budget of the attack", caption)


def _panels(upper: Any, lower: Any, clean: pd.DataFrame, attacked: pd.DataFrame) -> None:
    first, mean, width = attacked.iloc[0], clean["energy"].mean(), spread(clean, "energy")
    groups = list(attacked.groupby("eps", sort=True))
    places = range(len(groups))
    upper.axhspan(mean - width, mean + width, color=BLUE, alpha=0.15, lw=0)
    upper.axhline(mean, color=BLUE, label="clean")
    energies = [(rows["energy"].mean(), spread(rows, "energy")) for _, rows in groups]
    upper.errorbar(
        places,
        *zip(*energies, strict=True),
        color=ORANGE,
        marker="o",
        ms=4,
        capsize=3,
        label="attacked",
    )
    upper.set_title(cells.heading(first["dataset"], first["model"]))
    upper.set_ylabel("E(x)")
    upper.legend(fontsize=7)
    areas = [auroc(-rows["energy"].to_numpy(), -clean["energy"].to_numpy()) for _, rows in groups]
    lower.plot(
        places,
        [rows["success"].mean() for _, rows in groups],
        color=ORANGE,
        marker="o",
        ms=4,
        label="success",
    )
    bars = [[area.value - area.low for area in areas], [area.high - area.value for area in areas]]
    lower.errorbar(
        places,
        [area.value for area in areas],
        bars,
        color=GREEN,
        marker="s",
        ms=4,
        label="AUROC of -E",
    )
    lower.axhline(0.5, color="0.5", lw=0.8, ls=":")
    lower.set_ylim(-0.03, 1.03)
    lower.set_xticks(list(places), [budget(eps) for eps, _ in groups], rotation=45)
    lower.set_xlabel("$\\epsilon$")
    lower.legend(fontsize=7)
