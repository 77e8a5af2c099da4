"""False alarms and accuracy by the severity of harmless shifts."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN
from robustgen.figures import cells
from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.stats.detection import headline
from robustgen.tables import detected
from robustgen.tables.shift import shifted

NEEDS = ("detect",)
OPTIONS: dict[str, dict[str, object]] = {}
COLUMNS = 4  # panels side by side


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model a panel for each corruption: a line per detector over the severity, accuracy
    dashed.
    """
    detectors = list(spec["detectors"])
    statistics, thresholds = detected.read(files["detect"], detectors)
    rows = shifted(statistics, headline(thresholds))
    kinds = [kind for kind in dict.fromkeys(rows["corruption"]) if kind != CLEAN]
    shown = [(model, kind) for model in spec["models"] for kind in kinds]
    width = min(len(shown), COLUMNS)
    figure, axes = panels(-(-len(shown) // width), width, size=(2.6, 2.3), sharey=True)
    for axis in axes.flat[len(shown) :]:
        blank(axis, "")
    for axis, (model, kind) in zip(axes.flat, shown, strict=False):
        mine = rows[(rows["model"] == model) & rows["corruption"].isin([CLEAN, kind])]
        if (mine["corruption"] == kind).any():
            _panel(axis, mine.sort_values("severity"), [one for one in detectors if one in rows])
            axis.set_title(f"{kind}\n{cells.heading(mine['dataset'].iloc[0], model)}")
        else:
            blank(axis, f"{model}: no rows of {kind}")
    for axis in axes[:, 0]:
        axis.set_ylabel("share of images")
    legend(figure, columns=len(detectors) + 1)
    caption = (
        "Share of harmlessly shifted test images that each detector flags, all of them false "
        "alarms, by severity (0: clean images), at its one threshold, chosen on clean validation "
        f"images at a stated FPR ({detected.fpr_said(spec)}). Dashed: accuracy of the net. Bars: "
        f"95 % intervals over {detected.over(rows)}." + absent
    )
    return Picture(figure, "False alarms under harmless shifts", caption)


def _panel(axis: Any, rows: pd.DataFrame, detectors: list[str]) -> None:
    """The lines of one corruption, a little beside each other so that no bar hides another."""
    names = [*detectors, "accuracy"]
    for place, (name, colour) in enumerate(zip(names, cycle(COLOURS), strict=False)):
        low, high = (abs(rows[f"{name}_{end}"] - rows[name]) for end in ("low", "high"))
        plain = name != "accuracy"
        axis.errorbar(
            rows["severity"] + 0.06 * (place - len(detectors) / 2),
            rows[name],
            np.stack([low, high]),
            color=colour if plain else "0.3",
            ls="-" if plain else "--",
            marker="o" if plain else "none",
            ms=3,
            lw=1.2,
            capsize=2,
            label=name,
        )
    axis.set_xticks(sorted(rows["severity"].unique()))
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel("severity")
