"""Attack by detector as a heat map: detection rates, or the share of images that fool the net
unseen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import axes_of
from robustgen.figures import cells as shown
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables import detected
from robustgen.tables.matrix import cells, line, said

NEEDS = ("detect",)
OPTIONS = {
    "value": {
        "one_of": ("dr", "joint"),
        "default": "dr",
        "means": (
            "dr: detection rate; joint: share of images that fool the net and are not flagged."
        ),
    },
}
GOOD_IS_HIGH = {"dr": True, "joint": False}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model: a line per attack and budget, a column per detector; `options.value` is
    dr or joint.
    """
    value, detectors = spec["options"].get("value", "dr"), list(spec["detectors"])
    title, meaning = said(value)
    statistics, thresholds = detected.read(files["detect"], detectors)
    found = cells(statistics, thresholds, value)
    groups = [(model, found[found["model"] == model]) for model in spec["models"]]
    height = 0.34 * max(len(rows) for _, rows in groups) + 1.1
    figure, axes = panels(1, len(groups), size=(2.6 + 1.0 * len(detectors), height))
    for axis, (model, rows) in zip(axes[0], groups, strict=True):
        if rows.empty:
            blank(axis, f"{model}: no rows")
        else:
            _panel(axis, rows, [name for name in detectors if name in rows], value)
    caption = (
        f"{meaning}In percent, with 95 % intervals. One threshold per detector, chosen on clean "
        "validation images at a stated "
        f"FPR ({detected.fpr_said(spec)}). Dark is good for the defender." + absent
    )
    return Picture(figure, title, caption)


def _panel(axis: Any, rows: pd.DataFrame, detectors: list[str], value: str) -> None:
    told = line(axes_of(rows), rows)
    numbers = rows[detectors].to_numpy(float)
    good = numbers if GOOD_IS_HIGH[value] else 1 - numbers
    axis.imshow(good, cmap="viridis_r", vmin=0, vmax=1, aspect="auto")
    for (line_number, column), number in np.ndenumerate(numbers):
        if number == number:
            low, high = (
                100 * rows.iloc[line_number][f"{detectors[column]}_{end}"]
                for end in ("low", "high")
            )
            words, colour = (
                f"{100 * number:.1f} [{low:.0f}, {high:.0f}]",
                "white" if good[line_number, column] > 0.5 else "black",
            )
            axis.text(
                column, line_number, words, ha="center", va="center", fontsize=7, color=colour
            )
    axis.set_xticks(range(len(detectors)), detectors, rotation=20)
    axis.set_yticks(
        range(len(rows)),
        [f"{told(row)}, fooled {row['fooled']:.0%}" for _, row in rows.iterrows()],
        fontsize=7,
    )
    axis.set_title(shown.heading(rows["dataset"].iloc[0], rows["model"].iloc[0]))
    axis.grid(visible=False)
