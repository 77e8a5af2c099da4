"""Figure 4.1 of the thesis as a computed picture: variational smoothing of a classifier of points
in the plane, which has an adversarial pocket around the point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from robustgen.figures.style import GREEN, ORANGE, Picture, panels
from robustgen.nets.classifier import Wrapped
from robustgen.smoothing.inference import Settings, simplified
from robustgen.smoothing.variational import Variational

NEEDS = ()  # it is computed from what stands here
OPTIONS: dict[str, dict[str, object]] = {}
POINT, BORDER = (0.4, 0.5), 0.72  # the point to classify; green lies right of the border
POCKET, DEPTH, SLOPE = 0.03, 10.0, 8.0  # size and depth of the pocket, slope at the border
LEVEL = 5.0  # of the scores far from the border
SETTINGS = Settings(eps=0.12, norm="l2", steps=20, sigma=0.05, samples=2000)
CLASSES = ("orange", "green")


def scores(x: Tensor) -> Tensor:
    """The scores [n,2] of points [n,2,1,1]: orange left of the border, but for the pocket."""
    right, up = x.flatten(1).T
    distance = (right - POINT[0]) ** 2 + (up - POINT[1]) ** 2
    green = LEVEL * torch.tanh(SLOPE * (right - BORDER))
    green = green + DEPTH * torch.exp(-distance / (2 * POCKET**2))
    return torch.stack([-green / 2, green / 2], dim=1)


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Left: the plane, the point and each class's noise. Right: three classifiers' scores."""
    del files, spec
    figure, ((plane, bars),) = panels(1, 2, size=(3.6, 2.9))
    _plane(plane)
    point = torch.tensor(POINT).reshape(1, 2, 1, 1)
    told = _answers(point)
    width = 0.38
    for place, (name, colour) in enumerate(zip(CLASSES, (ORANGE, GREEN), strict=True)):
        at = np.arange(len(told)) + (place - 0.5) * width
        bars.bar(at, [z[place] for z in told.values()], width, color=colour, label=name)
    bars.set_xticks(range(len(told)), list(told), fontsize=7)
    bars.set_ylabel("log p")
    bars.legend(fontsize=7, loc="lower right")
    caption = (
        "A classifier of points in the plane, with the region that it calls green; the black point "
        "belongs to orange, but lies in a small pocket of green. Each class is given the normal "
        "noise that favours it: the mean is found by steps within the dotted ball, circles show "
        "one and two standard deviations. Green's noise hardly stays within the pocket, orange's "
        "lies outside of it. Right: log-likelihoods of both classes by the classifier itself, "
        "under noise around the point (randomized smoothing), and under each class's own noise "
        f"(variational smoothing). Computed with radius {SETTINGS.eps:g}, {SETTINGS.steps} steps, "
        f"sd {SETTINGS.sigma:g}." + absent
    )
    return Picture(figure, "Variational smoothing in the plane", caption)


def _answers(point: Tensor) -> dict[str, list[float]]:
    """The log-likelihoods of both classes by each of three classifiers."""
    generator = torch.Generator().manual_seed(0)
    noise = SETTINGS.sigma * torch.randn(SETTINGS.samples, 2, 1, 1, generator=generator)
    variational = Variational(Wrapped(scores), SETTINGS, classes=2)
    variational.reseed(generator)
    found = {
        "itself": log_softmax(scores(point), dim=1)[0],
        "randomized": log_softmax(scores(point + noise), dim=1).mean(dim=0),
        "variational": variational(point)[0],
    }
    return {name: z.tolist() for name, z in found.items()}


def _plane(axis: Any) -> None:
    side = torch.linspace(0, 1, 200)
    up, right = torch.meshgrid(side, side, indexing="ij")
    grid = torch.stack([right, up], dim=2).reshape(-1, 2, 1, 1)
    green = scores(grid).softmax(dim=1)[:, 1].reshape(200, 200)
    axis.contourf(right, up, green, levels=[0, 0.5, 1], colors=[ORANGE, GREEN], alpha=0.25)
    axis.contour(right, up, green, levels=[0.5], colors="0.4", linewidths=0.8)
    angle = np.linspace(0, 2 * np.pi, 100)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    axis.plot(*(_column(POINT) + SETTINGS.eps * circle), color="0.4", ls=":", lw=1)
    for place, colour in enumerate((ORANGE, GREEN)):
        mean = _mean(place)
        for deviations in (1, 2):
            line = _column(mean) + deviations * SETTINGS.sigma * circle
            axis.plot(*line, color=colour, lw=1.2)
        axis.plot(*mean, color=colour, marker="x", ms=6)
    axis.plot(*POINT, color="black", marker="o", ms=4)
    axis.set(xlim=(0.1, 0.9), ylim=(0.2, 0.8), aspect="equal", xticks=[], yticks=[])
    axis.grid(visible=False)


def _mean(place: int) -> tuple[float, float]:
    """Where the noise that favours a class has its mean, from a fixed start in the ball."""
    x = torch.tensor(POINT).reshape(1, 2, 1, 1)
    start = x + torch.tensor((-0.04, 0.03)).reshape(1, 2, 1, 1)
    y = torch.tensor([place])
    noise = simplified(Wrapped(scores), x, y, start, SETTINGS, unrolled=False)
    right, up = noise.points.flatten().tolist()
    return right, up


def _column(point: tuple[float, float]) -> np.ndarray:
    return np.array(point)[:, None]
