"""A generator's samples, and what each net's gradients make of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.figures.autoencoding import first_runs
from robustgen.figures.mosaic import show
from robustgen.figures.style import Picture, blank, panels
from robustgen.figures.synthesized import net_said

NEEDS = ("refined",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Samples that are shown, the first ones.",
    },
}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel per net: samples above, refined below."""
    _, arrays = first_runs(files["refined"])
    models, count = spec["models"], spec["options"]["images"]
    figure, axes = panels(max(1, len(models)), 1, size=(5, 1.4))
    for (axis,), (model, facts) in zip(axes, models.items(), strict=False):
        if model not in arrays:
            blank(axis, f"{model}: no samples")
            continue
        found = [arrays[model][name][:count] for name in ("samples", "refined")]
        show(axis, np.stack(found) / 255)
        axis.set_title(f"{facts['parts']['generator']} by {net_said(facts)}", fontsize=8)
    caption = (
        "Samples of the generator (upper lines), and the same after steps against the gradient of "
        "the net's cross entropy towards their class (lower lines)." + absent
    )
    return Picture(figure, "Samples refined by one classifier", caption)
