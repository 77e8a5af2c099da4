"""Images between the codes of two runs, and their distances: figures 3.9 and 3.10 of An Ju's
thesis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import BLUE, ORANGE, Picture, blank, legend, panels
from robustgen.stats.per_image import mean_of

NEEDS = ("interpolation",)
OPTIONS = {
    "shows": {
        "one_of": ("both", "images", "distances"),
        "default": "both",
        "means": "Images between the codes (figure 3.9), their mean distances (figure 3.10).",
    },
}
COLOURS = {"linear": BLUE, "slerp": ORANGE}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per model a panel of images, k = 0 to 10 from left to right, and one of mean distances."""
    rows = read_rows([path for path in files["interpolation"] if path.endswith(".parquet")])
    _, arrays = first_runs(files["interpolation"])
    chosen = [one for one in PANELS if spec["options"]["shows"] in ("both", one)]
    figure, axes = panels(max(1, len(spec["models"])), len(chosen), size=(4.6, 2.6))
    for line, (model, facts) in zip(axes, spec["models"].items(), strict=False):
        mine = rows[rows["model"] == model]
        for axis, name in zip(line, chosen, strict=True):
            if mine.empty or model not in arrays:
                blank(axis, f"{model}: no interpolation")
                continue
            PANELS[name](axis, mine, arrays[model])
            axis.set_title(f"{mine['metric'].iloc[0]} ({facts['dataset']})", fontsize=8)
    legend(figure, columns=3)
    said = " ".join(CAPTIONS[name] for name in chosen)
    return Picture(figure, "Between two inversions of an image", said + absent)


def _images(axis: Any, _rows: pd.DataFrame, found: dict[str, np.ndarray]) -> None:
    images, drawn = found["images"] / 255, found["drawn"] / 255  # [m,...], [paths,m,11,...]
    lines = [
        np.concatenate([images[place][None], path[place]])
        for place in range(len(images))
        for path in drawn
    ]
    show(axis, np.stack(lines))


def _curves(axis: Any, rows: pd.DataFrame, _found: dict[str, np.ndarray]) -> None:
    for path, part in rows.groupby("path", sort=False):
        found = [mean_of(cell, "distance") for _, cell in part.groupby("k")]
        k = sorted(part["k"].unique())
        axis.plot(k, [one.value for one in found], color=COLOURS[path], marker="o", ms=3,
                  label=path)  # fmt: skip
        axis.fill_between(k, [one.low for one in found], [one.high for one in found],
                          color=COLOURS[path], alpha=0.15)  # fmt: skip
    axis.axhline(rows["outside"].mean(), color="black", linestyle="--", linewidth=1,
                 label="other classes")  # fmt: skip
    axis.set_xlabel("k")
    axis.set_ylabel("perceptual distance")


PANELS = {"images": _images, "distances": _curves}
CAPTIONS = {
    "images": "A test image, then images at codes between those that two runs of Direct found, k = "
    "0 to 10: along the line in the first row of each image; along the arc, on which codes keep "
    "their norm, in the second.",
    "distances": "Mean perceptual distance from the test image with 95 % intervals over images (or "
    "seeds); dashed: the mean distance of reconstructions by other classes, beyond which an image "
    "is rather taken for another class.",
}
