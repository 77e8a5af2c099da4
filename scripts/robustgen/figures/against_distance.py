"""Accuracy against the distance within which an adversarial image is sought, for every model."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustgen.core.rows import read_rows
from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.stats.closest import Closest, closest
from robustgen.stats.intervals import share
from robustgen.tables.bounded import one_data_set

NEEDS = ("scores",)
OPTIONS: dict[str, dict[str, object]] = {}
NORMS = {"linf": "$L_\\infty$", "l2": "$L_2$"}
DASHES = ("-", "--", "-.", ":")
POINTS = 121


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel per norm, one curve per model."""
    scores, dataset = read_rows(files["scores"]), one_data_set(spec)
    test = scores[scores["split"] == "test"]
    norms = [norm for norm in NORMS if _in(spec, norm)]
    figure, (axes,) = panels(1, max(len(norms), 1), size=(3.6, 3.0))
    for axis, norm in zip(axes, norms, strict=False):
        found = {
            model: closest(test[test["model"] == model], _in(spec, norm), norm)
            for model in spec["models"]
        }
        _panel(axis, {model: one for model, one in found.items() if one}, list(spec["models"]))
        axis.set(xlabel=f"{NORMS[norm]} distance", title=", ".join(_in(spec, norm)))
    if not norms:
        blank(axes[0], "no attack")
    axes[0].set_ylabel("accuracy")
    legend(figure, columns=3)
    caption = (
        f"Share of test images of {dataset} that a model gets right unattacked and of which no "
        "attack (above the panel) found an adversarial version within the distance, at any of its "
        "budgets. Of randomised models an image counts as right where more than half of the draws "
        "are. Each curve ends at the largest distance that was tried; between the budgets of an "
        "attack it is known only from how far its images really lie. Bands: 95 % intervals over "
        "images (Clopper-Pearson). Of several repetitions the first is shown." + absent
    )
    return Picture(figure, "Accuracy against distance", caption)


def curve(found: Closest, at: np.ndarray) -> np.ndarray:
    """Accuracy with bounds [m,3] within distances [m], of the first repetition."""
    first = found.distance.index.get_level_values("seed").min()
    right, far = (one.xs(first, level="seed") for one in (found.right, found.distance))
    distance = np.where(right, far, -1.0)  # one that is wrong unattacked is never right
    return np.array([share(float((distance > reach).sum()), len(distance)) for reach in at])


def _in(spec: dict[str, Any], norm: str) -> list[str]:
    return [name for name, entry in spec["attacks"].items() if entry["norm"] == norm]


def _panel(axis: Any, found: dict[str, Closest], models: list[str]) -> None:
    if not found:
        blank(axis, "no rows")
    for model, one in found.items():
        place = models.index(model)
        at = np.linspace(0, one.reach, POINTS) if np.isfinite(one.reach) else np.zeros(1)
        value, low, high = curve(one, at).T
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
        axis.plot(at, value, color=colour, ls=dash, label=model, drawstyle="steps-post")
        axis.fill_between(at, low, high, color=colour, alpha=0.12, lw=0, step="post")
    axis.set_ylim(-0.03, 1.03)
