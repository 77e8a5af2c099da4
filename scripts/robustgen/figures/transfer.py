"""Transfer of attacks as heat maps: accuracy or success, and what each detector flags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import axes_of
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables import detected, transfer
from robustgen.tables.cells import named

NEEDS = ("scores", "detect")
OPTIONS = {
    "value": {
        "one_of": ("accuracy", "success"),
        "default": "accuracy",
        "means": "accuracy: share of images that the model gets right; success: share of those "
        "that it gets right unattacked and gets wrong attacked.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel for accuracy or success and one per detector: a line per attack and the model that it
    was made on, a column per model.
    """
    value, models = spec["options"].get("value", "accuracy"), list(spec["models"])
    rows = transfer.crossed(files, spec, value)
    shown = {value: models}
    shown |= {f"DR of {one}": [f"{model}:{one}" for model in models] for one in spec["detectors"]}
    size = (1.1 + 0.6 * len(models), 0.34 * len(rows) + 1.5)
    figure, axes = panels(1, len(shown), size=size, sharey=True)
    for axis, (title, columns) in zip(axes[0], shown.items(), strict=True):
        numbers = rows.reindex(columns=columns)
        if numbers.isna().all(axis=None):
            blank(axis, f"{title}: no rows")
            continue
        _panel(axis, numbers.to_numpy(float), good_is_high=value == "accuracy" or columns != models)
        axis.set_xticks(range(len(models)), models, rotation=30, ha="right", fontsize=7)
        axis.set_title(title)
    axes[0, 0].set_yticks(range(len(rows)), _lines(rows), fontsize=7)
    axes[0, 0].tick_params(labelleft=True)
    caption = (
        "Lines: attacks and the model on which their images were made; columns: the model that "
        f"they are put before. {transfer.VALUES[value]} DR: share of attacked test images that a "
        "detector of that model flags, at one threshold, chosen on clean validation images at a "
        f"stated FPR ({detected.fpr_said(spec)}). In percent; dark is good for the defender."
        + absent
    )
    return Picture(figure, "Transfer of attacks", caption)


def _lines(rows: pd.DataFrame) -> list[str]:
    told = named(axes_of(rows))
    return [f"{told(row)}, on {row['made_on']}" for _, row in rows.iterrows()]


def _panel(axis: Any, numbers: np.ndarray, *, good_is_high: bool) -> None:
    good = numbers if good_is_high else 1 - numbers
    axis.imshow(good, cmap="viridis_r", vmin=0, vmax=1, aspect="auto")
    for (line, column), number in np.ndenumerate(numbers):
        if number == number:
            colour = "white" if good[line, column] > 0.5 else "black"
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "color": colour}
            axis.text(column, line, f"{100 * number:.1f}", **look)
    axis.grid(visible=False)
