"""How far the codes that different methods find for the same image and class lie apart: figure 3.8
of An Ju's thesis.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.style import Picture, blank, panels
from robustgen.tables.published_inversion import method

NEEDS = ("inversions",)
OPTIONS = {
    "lambda_": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the regulariser whose codes are compared.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Two matrices over methods: mean cosine, and mean L2 distance, of codes of the true class."""
    _, arrays = first_runs(files["inversions"])
    codes = _codes(arrays, spec)
    figure, axes = panels(1, 2, size=(4.2, 3.6))
    if len(codes) < 2:
        blank(axes[0, 0], "fewer than two methods")
        blank(axes[0, 1], "")
    else:
        for axis, (title, apart, form) in zip(axes[0], MEASURES, strict=True):
            matrix = np.array([[apart(a, b) for b in codes.values()] for a in codes.values()])
            _matrix(axis, matrix, list(codes), form)
            axis.set_title(title)
    n = min((len(one) for one in codes.values()), default=0)
    caption = (
        f"Mean over {n} test images of the cosine and of the L2 distance of the codes z that two "
        "methods find for the true class; of variants with + the code that all places share. "
        "Independent codes of the prior would have cosine 0." + absent
    )
    return Picture(figure, "Codes of different methods", caption)


def _codes(arrays: dict[str, dict[str, np.ndarray]], spec: dict[str, Any]) -> dict[str, np.ndarray]:
    """Method -> codes [n,d] of the true class, at the weight that is asked for and most steps."""
    found = {}
    for model, facts in spec["models"].items():
        if model not in arrays:
            continue
        one = arrays[model]
        for number, cell in enumerate(json.loads(one["cells"].tobytes())):
            if cell["lambda_"] == spec["options"]["lambda_"]:
                images = np.arange(len(one["labels"]))
                name = method(facts["family"], plus=cell["plus"])
                found[name] = one["codes"][number][images, one["labels"]]
    return found


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / np.maximum(norms, 1e-12)).mean())


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=1).mean())


MEASURES = (("cosine", _cosine, "{:.2f}"), ("L2 distance", _distance, "{:.1f}"))


def _matrix(axis: Any, matrix: np.ndarray, names: list[str], form: str) -> None:
    axis.imshow(matrix, cmap="Blues")
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.grid(visible=False)
    middle = (matrix.min() + matrix.max()) / 2
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if value > middle else "black"
        axis.text(column, row, form.format(value), ha="center", va="center", color=colour,
                  fontsize=7)  # fmt: skip
