"""Images between the codes of two runs: how a perceptual distance behaves off the points that its
minimisation found (Figures 3.9 and 3.10, Table 3.4 of An Ju's thesis).

Two runs start at the best of different random codes. Between their codes z_1 and z_2 of the true
class lie z = a z_1 + (1 - a) z_2, a = k / 10, and on the sphere's arc (slerp), whose codes do not
shrink towards the middle as those of the line do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import Images, bytes_of
from robustgen.inversion.descent import Objective
from robustgen.inversion.inversions import finite_in, inverting
from robustgen.inversion.inverting import Inverting
from robustgen.inversion.starts import Nearest
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "image"
KEYS = ("path", "k")
LOOKS_AT = ("codes",)
ORDERS = 10
PATHS = ("linear", "slerp")
SMALL = 1e-4  # an angle in whose place a line is taken
OPTIONS = {
    "lambda_": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the regulariser.",
    },
    "seeds": {
        "type": "whole number",
        "several": True,
        "different": True,
        "least": 0,
        "default": (0, 1),
        "means": "Seeds of the random codes of the two runs.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 1000,
        "up_to": ("test",),
        "means": "Test images, the first ones.",
    },
    "pictures": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "up_to": ("test",),
        "means": "Images whose interpolations are kept.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Rows per image, path and order k = 0, ..., 10: the perceptual distance and the squared norm
    of the code; and `outside`, the mean distance of both runs' reconstructions in other classes. An
    image one of whose searches ends in NaN is named and left out.

    Arrays of the first images: `images` [m,c,h,w] and `drawn` [paths,m,11,c,h,w], uint8.
    """
    model, count, shown = inverting(classifier), options["images"], options["pictures"]
    x, y = (part[:count].to(context.device) for part in images.tensors())
    runs = [_run(model, x, options["lambda_"], seed) for seed in _two(options["seeds"])]
    kept = finite_in([_totals(run) for run in runs], images.index[: len(x)])
    first, second = (_own(run, y)[kept] for run in runs)
    outside = np.mean([_outside(run, y) for run in runs], axis=0)[kept]
    x, y, index = x[kept], y[kept], images.index[kept]
    frames, drawn = [], []
    for path, between in zip(PATHS, (linear, slerp), strict=True):
        steps = [between(first, second, k / ORDERS) for k in range(ORDERS + 1)]
        found = [_seen(model, x, y, z) for z in steps]
        drawn.append(np.stack([bytes_of(image[:shown]) for _, image in found], axis=1))
        for k, ((distance, _), z) in enumerate(zip(found, steps, strict=True)):
            columns = {"distance": distance, "norm": z.pow(2).sum(dim=1).cpu().numpy()}
            named = {"path": path, "k": k, "index": index, "label": y.cpu()}
            frames.append(
                pd.DataFrame(
                    {**named, **columns, "outside": outside, "metric": model.distance.name}
                )
            )
    arrays = {"images": images.images[kept[:shown]], "drawn": np.stack(drawn)}
    return Measured(pd.concat(frames, ignore_index=True), arrays)


def linear(first: Tensor, second: Tensor, a: float) -> Tensor:
    """a z_1 + (1 - a) z_2."""
    return a * first + (1 - a) * second


def slerp(first: Tensor, second: Tensor, a: float) -> Tensor:
    """The code [n,d] on the arc, whose direction and norm go evenly from z_2 to z_1."""
    lengths = [one.norm(dim=1, keepdim=True) for one in (first, second)]
    one, other = (z / n.clamp_min(1e-12) for z, n in zip((first, second), lengths, strict=True))
    angle = (one * other).sum(dim=1, keepdim=True).clamp(-1, 1).acos()
    safe = angle.clamp_min(SMALL)
    arc = ((a * safe).sin() * one + ((1 - a) * safe).sin() * other) / safe.sin()
    direction = torch.where(angle < SMALL, linear(one, other, a), arc)
    return direction * linear(lengths[0], lengths[1], a)


def _two(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(seeds) != 2:
        raise Refused("interpolation compares two runs; give its option seeds two numbers.")
    return tuple(seeds)


@torch.no_grad()
def _run(model: Inverting, x: Tensor, lambda_: float, seed: int) -> list[Objective]:
    """The inversion from random codes of that seed."""
    start = model.inversion.start
    if not isinstance(start, Nearest):
        raise Refused("interpolation needs a model without an encoder, whose start is random.")
    model.inversion.start = Nearest(model.generator, count=len(start.codes), seed=seed)
    found = model.view(lambda_=lambda_, plus=False).chunks(x)
    model.inversion.start = start
    return found


def _totals(run: list[Objective]) -> np.ndarray:
    """The objectives [n,K]."""
    found: np.ndarray = torch.cat([one.total for one in run]).cpu().numpy()
    return found


def _own(run: list[Objective], y: Tensor) -> Tensor:
    """The codes [n,d] of the true class."""
    codes = torch.cat([one.codes for one in run])
    return codes[torch.arange(len(y), device=y.device), y]


def _outside(run: list[Objective], y: Tensor) -> np.ndarray:
    """The mean perceptual distance [n] over the other classes."""
    distances = torch.cat([one.perceptual for one in run])
    own = distances.gather(1, y[:, None])[:, 0]
    found: np.ndarray = ((distances.sum(dim=1) - own) / (distances.shape[1] - 1)).cpu().numpy()
    return found


@torch.no_grad()
def _seen(model: Inverting, x: Tensor, y: Tensor, z: Tensor) -> tuple[np.ndarray, Tensor]:
    """(perceptual distances [n], images) of codes [n,d] in the true class."""
    images = model.generator(z, y)
    distance = model.distance.parts(model.distance.target(x), images).perceptual
    return distance.cpu().numpy(), images
