"""Samples of generators by class, and how those of the same codes changed in training: figures 3.3
and 3.4 of An Ju's thesis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.core.rows import read_rows
from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels

NEEDS = ("samples",)
OPTIONS = {
    "each": {
        "type": "whole number",
        "least": 1,
        "default": 6,
        "means": "Samples of each class that are shown.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Per generator a panel of samples, a class per column, and one of samples over training."""
    rows = read_rows([path for path in files["samples"] if path.endswith(".parquet")])
    _, arrays = first_runs(files["samples"])
    figure, axes = panels(max(1, len(spec["models"])), 2, size=(4.4, 2.8))
    for line, (model, facts) in zip(axes, spec["models"].items(), strict=False):
        if model not in arrays:
            blank(line[0], f"{model}: no samples")
            blank(line[1], "")
            continue
        found, mine = arrays[model], rows[rows["model"] == model].iloc[0]
        samples = found["samples"][:, : spec["options"]["each"]] / 255  # [K,m,c,h,w]
        show(line[0], samples.swapaxes(0, 1))
        line[0].set_title(f"{model} ({facts['dataset']}): FID {mine['fid']:.1f}", fontsize=8)
        _progress(line[1], found)
    caption = (
        "Left: samples, one class per column, with the FID of table_3_generators. Right: the "
        "sample of one and the same code in each class, from early (top) to the end of training "
        "(bottom), where training kept them." + absent
    )
    return Picture(figure, "Samples of the generators", caption)


def _progress(axis: Any, found: dict[str, np.ndarray]) -> None:
    if "progress" not in found or not found["progress"].size:
        blank(axis, "no samples of its training")
        return
    show(axis, found["progress"][:, :, 0] / 255)  # [t,K,m,c,h,w], the first code of each class
    axis.set_title("in training", fontsize=8)
