"""Energies under several attacks side by side, against the band in which clean images lie."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import CLEAN, axes_of, read_rows
from robustgen.figures import cells
from robustgen.figures.style import BLUE, ORANGE, Picture, blank, panels
from robustgen.stats.cells import at_last_step

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
BAND = (0.025, 0.975)


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model: a box of E(x) for clean images and for each attack and lambda, at its
    first budget.
    """
    scores = cells.test_rows(read_rows(files["scores"]))
    models = list(spec["models"])
    figure, axes = panels(len(models), 1, size=(7.2, 3.0))
    for axis, model in zip(axes[:, 0], models, strict=True):
        clean, attacked = cells.clean(scores, model), cells.attacked(scores, model, spec)
        if clean.empty or attacked.empty:
            blank(axis, f"{model}: no rows")
        else:
            _panel(axis, clean, at_last_step(attacked[attacked["eps"] == attacked["eps"].min()]))
    caption = (
        "E(x) on test images: boxes from quartile to quartile, whiskers from the 2.5th to the "
        "97.5th percentile. Blue: clean "
        "images and their central 95 %, outside of which a two-sided threshold flags. Percentages: "
        "images that fool the net." + absent
    )
    return Picture(figure, "Energies of attacks against the clean band", caption)


def _panel(axis: Any, clean: pd.DataFrame, attacked: pd.DataFrame) -> None:
    groups = [(CLEAN, clean), *_named(attacked)]
    axis.axhspan(*clean["energy"].quantile(list(BAND)), color=BLUE, alpha=0.15, lw=0)
    boxes = axis.boxplot(
        [rows["energy"] for _, rows in groups],
        whis=(2.5, 97.5),
        showfliers=False,
        patch_artist=True,
        widths=0.6,
    )
    for number, (box, median) in enumerate(zip(boxes["boxes"], boxes["medians"], strict=True)):
        box.set(facecolor=BLUE if number == 0 else ORANGE, alpha=0.6, lw=0.5)
        median.set_color("black")
    top = axis.get_ylim()[1]
    for place, (_, rows) in enumerate(groups, start=1):
        axis.annotate(
            f"{rows['success'].mean():.0%}",
            (place, top),
            (0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
    axis.set_xticks(
        range(1, len(groups) + 1), [name for name, _ in groups], rotation=25, ha="right", fontsize=7
    )
    first = attacked.iloc[0]
    axis.set_title(cells.heading(first["dataset"], first["model"], first["eps"]), pad=14)
    axis.set_ylabel("E(x)")


def _named(attacked: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each attack and setting with a name; of an attack that sweeps one, the setting
    stands for itself.
    """
    found = []
    for _, mine in attacked.groupby("attack", sort=False):
        swept = [axis for axis in axes_of(mine) if mine[axis].nunique() > 1]
        for name, rows in cells.forms(mine):
            found.append((cells.setting(rows.iloc[0], swept) or name, rows))
    return found
