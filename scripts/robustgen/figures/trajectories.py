"""Paths of single images under attack in the plane of E(x) and E(x,y)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import axes_of, read_rows
from robustgen.figures import cells
from robustgen.figures.joint_energies import bound
from robustgen.figures.style import BLUE, ORANGE, Picture, blank, legend, panels

NEEDS = ("trajectories",)
OPTIONS = {
    "shown": {
        "type": "whole number",
        "least": 1,
        "most": 24,
        "default": 12,
        "means": "Images that are followed.",
    }
}
SHOWN = 12


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per model and attack with the paths of the first `options.shown` images."""
    rows = read_rows([path for path in files["trajectories"] if path.endswith(".parquet")])
    rows = rows[rows["model"].isin(list(spec["models"]))]
    rows = rows[rows["seed"] == rows.groupby("model")["seed"].transform("min")]
    attacks, models = list(dict.fromkeys(rows["attack"])), list(spec["models"])
    figure, axes = panels(len(models), max(len(attacks), 1))
    shown = spec["options"].get("shown", SHOWN)
    for line, model in zip(axes, models, strict=True):
        for axis, attack in zip(line, attacks or [""], strict=True):
            paths = rows[(rows["model"] == model) & (rows["attack"] == attack)]
            if len(paths):
                _panel(axis, paths[paths["index"].isin(paths["index"].unique()[:shown])])
            else:
                blank(axis, f"{model}: no paths")
    legend(figure, columns=3)
    caption = (
        f"The first {shown} test images on their way from the clean image (circle) to the end of "
        "the attack (dot), one "
        "segment a step (the first to where the attack starts), blue where the net then predicts "
        "the label, orange where it "
        "errs. E(x) = -logsumexp of the logits, E(x,y) = -logit of the label; their difference is "
        "the cross entropy, so that "
        "no path enters the grey half. Of several repetitions the first is shown."
    )
    return Picture(figure, "Paths of single images under attack", caption + absent)


def _panel(axis: Any, rows: pd.DataFrame) -> None:
    from matplotlib.collections import LineCollection

    first = rows.iloc[0]
    for _, path in rows.sort_values("step").groupby("index", sort=False):
        points = path[["energy", "energy_y"]].to_numpy()
        colours = np.where(path["prediction"] == path["label"], BLUE, ORANGE)
        axis.add_collection(
            LineCollection(
                list(np.stack([points[:-1], points[1:]], axis=1)),
                colors=colours[1:],
                lw=0.9,
                alpha=0.8,
            )
        )
        axis.scatter(*points[0], s=18, facecolors="white", edgecolors=colours[0], lw=0.9, zorder=3)
        axis.scatter(*points[-1], s=18, color=colours[-1], lw=0, zorder=3)
    bound(axis, rows)
    axis.scatter([], [], s=18, facecolors="white", edgecolors="0.2", label="clean image")
    axis.scatter([], [], s=18, color="0.2", label="end of the attack")
    axis.plot([], [], color=BLUE, label="predicted right")
    axis.plot([], [], color=ORANGE, label="predicted wrong")
    axis.set_title(
        f"{cells.heading(first['dataset'], first['model'], first['eps'])}\n"
        f"{cells.label(first, axes_of(rows))}"
    )
