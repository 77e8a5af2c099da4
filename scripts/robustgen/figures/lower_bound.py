"""The lower bound of eq. 2.7 against the distances that attacks needed, image by image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, panels

NEEDS = ("scores", "bound")
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per model: each image's bound (x) and the L2 distance of its nearest adversarial
    version (y).
    """
    pairs = nearest(read_rows(files["scores"]), _bounds(files["bound"]))
    figure, axes = panels(1, len(spec["models"]), size=(3.2, 3.0))
    said = []
    for axis, model in zip(axes[0], spec["models"], strict=True):
        mine = pairs[pairs["model"] == model]
        if mine.empty:
            blank(axis, f"{model}: no image with a bound was fooled")
            continue
        axis.plot(mine["bound"], mine["l2"], "o", ms=3, color=COLOURS[0], alpha=0.7)
        most = float(max(mine["bound"].max(), mine["l2"].max())) * 1.05
        axis.plot([0, most], [0, most], ls="--", lw=0.9, color="black")
        axis.set(title=model, xlabel="bound $\\epsilon^*$", ylabel="distance of the attack, L2")
        below = int((mine["l2"] < mine["bound"]).sum())
        said.append(f"{model}: {below} of {len(mine)} images lie below the line")
    caption = (
        "Each point is a test image that is classified rightly and that an attack fools: the bound "
        "of eq. 2.7 (corrected) against the L2 distance of the nearest adversarial version that "
        "any of the attacks found. With exact inference no point can lie below the dashed line; "
        "inference finds upper bounds of the distances to what a class can reconstruct, so that "
        "the bound is an estimate and no certificate. " + "; ".join(said) + "." * bool(said)
    )
    return Picture(figure, "The lower bound and the attacks", caption + absent)


def nearest(scores: pd.DataFrame, bounds: pd.DataFrame) -> pd.DataFrame:
    """One row per model, seed and image that is right when clean and fooled by an attack: `bound`
    and the smallest distance `l2` at which most draws are wrong.
    """
    test = scores[(scores["split"] == "test") & (scores["attack"] != "clean")]
    names = ["model", "seed", "index"]
    axes = [name for name in test if name in ("attack", "eps", "steps", "eot", "restarts")]
    shares = test.groupby([*names, *axes], dropna=False)[["success", "l2"]].mean().reset_index()
    fooled = shares[shares["success"] > 0.5].groupby(names)["l2"].min().reset_index()
    found: pd.DataFrame = bounds[bounds["bound"] > 0].merge(fooled, on=names)
    return found


def _bounds(paths: list[str]) -> pd.DataFrame:
    rows = read_rows([path for path in paths if path.endswith(".parquet")])
    found: pd.DataFrame = rows[rows["prediction"] == rows["label"]]
    return found.replace([np.inf], np.nan).dropna(subset=["bound"])
