"""The lower bound of eq. 2.7 against the distances that attacks needed, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, panels
from robustgen.stats.closest import closest
from robustgen.stats.per_image import IMAGE

NEEDS = ("scores", "bound")
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per model: each image's bound (x) and the L2 distance of its nearest adversarial
    version (y).
    """
    pairs = nearest(read_rows(files["scores"]), _bounds(files["bound"]), spec)
    figure, axes = panels(1, len(spec["models"]), size=(3.2, 3.0))
    said = []
    for axis, (model, mine) in zip(axes[0], pairs, strict=True):
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


def nearest(
    scores: pd.DataFrame, bounds: pd.DataFrame, spec: dict[str, Any]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each model with a row per image that is right when clean, in the bound's draw and in most
    of the scores', and that an attack fools: `bound` and `l2`, the smallest distance at which at
    least half of the draws are wrong.
    """
    test = scores[scores["split"] == "test"]
    for model in spec["models"]:
        mine = bounds[(bounds["model"] == model) & (bounds["bound"] > 0)]
        found = closest(test[test["model"] == model], list(spec["attacks"]), "l2")
        if not found or mine.empty:
            yield model, mine.iloc[:0]
            continue
        fooled = found.distance[found.right & np.isfinite(found.distance)].rename("l2")
        yield model, mine.merge(fooled.reset_index(), on=IMAGE)


def _bounds(paths: list[str]) -> pd.DataFrame:
    rows = read_rows([path for path in paths if path.endswith(".parquet")])
    if rows.empty:  # none is measured, after failures
        return pd.DataFrame(columns=[*IMAGE, "model", "bound"])
    right: pd.DataFrame = rows[rows["prediction"] == rows["label"]]
    return right
