"""What each class's decoder draws: reconstructions of test images, and samples of the prior."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.core.rows import read_rows
from robustgen.core.tensors import read_arrays
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels

NEEDS = ("pictures_of_classes",)
OPTIONS: dict[str, dict[str, object]] = {}
FRAME = "#D55E00"


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A line of two panels per model: images with what every class makes of them, and samples."""
    rows, arrays = first_runs(files["pictures_of_classes"])
    figure, axes = panels(len(spec["models"]), 2, size=(5.0, 2.4))
    for line, (model, facts) in zip(axes, spec["models"].items(), strict=True):
        if model not in arrays:
            blank(line[0], f"{model}: no pictures")
            blank(line[1], "")
            continue
        found, labels = arrays[model], rows[rows["model"] == model]["label"].to_numpy(int)
        _reconstructions(line[0], found, labels)
        line[0].set_title(f"{model}: reconstructions ({facts['dataset']})", fontsize=8)
        show(line[1], np.swapaxes(found["samples"], 0, 1))
        line[1].set_title("samples, one class per column", fontsize=8)
    caption = (
        "Left: test images (first column) and their reconstructions by the decoder of each class, "
        "at one draw of the latents that inference finds; the true class is framed, a dot marks "
        "the class of smallest squared error. Right: samples of each class's decoder for latents "
        "drawn from the prior, the same in each line." + absent
    )
    return Picture(figure, "Reconstructions and samples by class", caption)


def first_runs(paths: list[str]) -> tuple[Any, dict[str, dict[str, np.ndarray]]]:
    """(rows, model -> arrays) of each model's first repetition."""
    rows = read_rows([path for path in paths if path.endswith(".parquet")])
    rows = rows[rows["seed"] == rows.groupby("model")["seed"].transform("min")]
    seeds = rows.groupby("model")["seed"].first()
    wanted = {f"/{model}/seed{seed}/": str(model) for model, seed in seeds.items()}
    arrays = {
        model: read_arrays(path)
        for path in paths
        if path.endswith(".safetensors")
        for part, model in wanted.items()
        if part in path
    }
    return rows, arrays


def _reconstructions(axis: Any, found: dict[str, np.ndarray], labels: np.ndarray) -> None:
    """The images in the first column, the reconstructions by class k in column k + 1."""
    images, side = found["images"], found["images"].shape[-1] + 1
    show(axis, np.concatenate([images[:, None], found["reconstructions"]], axis=1))
    for line, (label, best) in enumerate(zip(labels, found["costs"].argmin(axis=1), strict=True)):
        framed(axis, line, label + 1, side)
        axis.plot(side * (best + 1) + 3, side * line + 3, "o", ms=2.5, color=FRAME)


def framed(axis: Any, line: int, column: int, side: int) -> None:
    """Frame an image of a mosaic whose images lie `side` pixels apart."""
    from matplotlib.patches import Rectangle

    corner = (side * column - 1, side * line - 1)
    look: dict[str, Any] = {"fill": False, "edgecolor": FRAME, "linewidth": 1.2}
    axis.add_patch(Rectangle(corner, side, side, **look))
