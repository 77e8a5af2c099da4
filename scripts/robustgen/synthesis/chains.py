"""Samples of a classifier's own energy by stochastic gradient Langevin dynamics (Welling and Teh
2011; Grathwohl et al. 2020, JEM):

    x <- x - (alpha / 2) grad E(x) + noise xi,    xi ~ N(0, I)

with E(x) = -logsumexp z(x), or E(x,y) = -z_y(x) where classes y are wanted, in turn. As in JEM the
noise is smaller than the sqrt(alpha) of Langevin's equation. JEM's pixels lie in [-1,1], where its
step of 1 and its noise of 0.01 are an alpha of 0.5 and a noise of 0.005 for pixels in [0,1].
Pixels may leave [0,1], as they do in JEM, unless `clamp` says otherwise: `range` tells how far
energies lead away from images. The judge sees chains clamped, as pictures show them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.progress import progress
from robustgen.core.seeds import generator
from robustgen.data.store import Images, bytes_of
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.class_seeds import class_seeds, wanted_classes
from robustgen.synthesis.energies import ENERGIES, Energy, gradient
from robustgen.synthesis.generated import finite, scores
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "image"
AXES = ("energy", "steps")
MOMENTS = 6  # step counts that are recorded, the start and the end among them
MIDDLE = 0.5  # of the range of pixels
OPTIONS = {
    "chains": {
        "type": "whole number",
        "least": 2,
        "default": 100,
        "means": "Chains of each energy; of E(x,y) the classes in turn.",
    },
    "steps": {"type": "whole number", "least": 1, "default": 200, "means": "Steps of a chain."},
    "step": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": "alpha; half of it times the gradient is the step. Nets that were not trained on "
        "chains have steep energies and need less than JEM's, such as 0.05.",
    },
    "noise": {
        "type": "number",
        "least": 0,
        "default": 0.01,
        "means": "Standard deviation of the noise of a step.",
    },
    "start": {
        "one_of": ("uniform", "class"),
        "default": "uniform",
        "means": "Uniform noise in [0,1], or draws of a normal law of the class's test images.",
    },
    "clamp": {
        "type": "true or false",
        "default": False,
        "means": "Whether pixels are brought back into [0,1] after each step.",
    },
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 8,
        "means": "Chains of each energy that are kept as pictures, the first ones.",
    },
}


@dataclass(frozen=True)
class Langevin:
    """Chains of an energy: x <- x - (alpha / 2) grad E + noise xi."""

    alpha: float
    noise: float
    steps: int
    clamp: bool = False

    @property
    def marks(self) -> list[int]:
        """The step counts that are recorded, from 0 on."""
        return sorted({round(one) for one in np.linspace(0, self.steps, MOMENTS)})

    def path(
        self, net: Classifier, energy: Energy, x: Tensor, y: Tensor, *, batch: int, source: Any
    ) -> Iterator[Tensor]:
        """x_0, x_1, ... of images [n,c,h,w]; the noise is drawn on the CPU, for all chains at once,
        so that it does not depend on the batch.
        """
        yield x
        for _ in range(self.steps):
            pairs = zip(x.split(batch), y.split(batch), strict=True)
            slope = torch.cat([gradient(net, *pair, energy) for pair in pairs])
            xi = torch.randn(x.shape, generator=source).to(x.device)
            x = x - self.alpha / 2 * slope + self.noise * xi
            x = x.clamp(0, 1) if self.clamp else x
            yield x


@dataclass(frozen=True)
class Chains:
    """The recorded points of the chains of one energy, with the net's logits there."""

    points: Tensor  # [moments,n,c,h,w]
    logits: Tensor  # [moments,n,K]


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per energy, recorded step count and chain: the `value` of the energy; `judged`,
    whether the judge sees the class; `confidence`, the judge's largest probability; `range`, the
    largest |x - 0.5|.

    The class, `label`, is the wanted one in E(x,y) and the net's own prediction in E(x), which
    knows none. A chain that ends in NaN or infinity is named and left out wholly; `diverged` counts
    them. Arrays: `pictures` uint8 [energies,m,moments,c,h,w], `marks` [moments] the step counts,
    and `labels` [m] the wanted classes. Starts and noise are the same for every net.
    """
    found = synthesizer(model)
    wanted, start = starts(found, images, options, context)
    walk = Langevin(options["step"], options["noise"], options["steps"], options["clamp"])
    several = {name: _chains(found, walk, name, start, wanted, context) for name in ENERGIES}
    frames = [_rows(found, one, name, walk, wanted, context) for name, one in several.items()]
    shown = options["shown"]
    pictures = [bytes_of(one.points[:, :shown].transpose(0, 1)) for one in several.values()]
    arrays = {
        "pictures": np.stack(pictures),
        "marks": np.array(walk.marks),
        "labels": wanted[:shown].numpy(),
    }
    return Measured(pd.concat(frames, ignore_index=True), arrays, axes=AXES)


def starts(
    model: Synthesizer, images: Images, options: Mapping[str, Any], context: Context
) -> tuple[Tensor, Tensor]:
    """The wanted classes [n] and the first points [n,c,h,w]."""
    x, y = images.tensors()
    source, count = generator(context.seed(use="starts of chains")), options["chains"]
    if options["start"] == "class":
        wanted = wanted_classes(model.classes, (), y, count)
        return wanted, class_seeds(x, y, wanted, grain=1, generator=source)
    uniform = torch.rand(count, *x.shape[1:], generator=source)
    return torch.arange(count) % model.classes, uniform


def _chains(
    model: Synthesizer,
    walk: Langevin,
    name: str,
    start: Tensor,
    wanted: Tensor,
    context: Context,
) -> Chains:
    """The recorded points, on the CPU."""
    source = generator(context.seed(use="noise of chains"))
    x, y = start.to(context.device), wanted.to(context.device)
    path = walk.path(model.net, ENERGIES[name], x, y, batch=context.batch, source=source)
    what = f"steps of chains of the {name} energy"
    points = [
        point.cpu()
        for number, point in enumerate(progress(path, total=walk.steps + 1, what=what))
        if number in walk.marks
    ]
    logits = [scores(model.net, one, context) for one in points]
    return Chains(torch.stack(points), torch.stack(logits))


def _rows(
    model: Synthesizer,
    found: Chains,
    name: str,
    walk: Langevin,
    wanted: Tensor,
    context: Context,
) -> pd.DataFrame:
    """Rows of the chains of an energy that stay finite."""
    fine = finite([*found.points, *found.logits], f"{name} chain")
    frames = []
    for mark, x, z in zip(walk.marks, found.points, found.logits, strict=True):
        label = wanted if name == "joint" else z.argmax(dim=1)
        columns = {
            "index": torch.arange(len(x)),
            "label": label,
            "value": ENERGIES[name](z, label).double(),
            **_judged(model, x, label, context),
            "range": (x - MIDDLE).abs().flatten(1).amax(dim=1).double(),
        }
        kept = {column: values[fine].numpy() for column, values in columns.items()}
        frames.append(pd.DataFrame({"energy": name, "steps": mark, **kept}))
    return pd.concat(frames).assign(diverged=len(wanted) - len(fine))


def _judged(model: Synthesizer, x: Tensor, label: Tensor, context: Context) -> dict[str, Tensor]:
    """Whether the judge sees the class, and its largest probability."""
    p = scores(model.judge, x.nan_to_num().clamp(0, 1), context).softmax(dim=1)
    confidence, prediction = p.max(dim=1)
    return {"judged": (prediction == label).long(), "confidence": confidence.double()}
