"""E and the decision on the plane that a clean test image and two attacked versions of it span."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from robustgen.core.refusal import Refused
from robustgen.data.store import Images
from robustgen.measures.energy import energy, margin
from robustgen.measures.scores import logits
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.first import first
from robustgen.synthesis.paths import Walk, walk, walked

ON = "model"
UNIT = "image"
KEYS = ("a", "b")
LOOKS_AT = ("scores",)
OPTIONS = {
    "attacks": {
        "type": "attack",
        "several": True,
        "different": True,
        "means": "Two attacks that span the planes, of a kind that is known step by step.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 24,
        "up_to": ("test",),
        "means": "Test images among which those of the planes are taken.",
    },
    "planes": {
        "type": "whole number",
        "least": 1,
        "default": 3,
        "means": "Planes: of the first images that the classifier has right.",
    },
    "side": {
        "type": "whole number",
        "least": 5,
        "default": 41,
        "means": "Points of a plane's grid along each axis: 5, 9, ..., 41, ...",
    },
}
LOW, HIGH = -0.5, 1.5
ROUNDING = 1e-6  # x + (first - x) may miss 1 by so much


def measure(
    classifier: Classifier, images: Images, *, options: dict[str, Any], context: Context
) -> Measured:
    """One row per point of each plane, everything in fp32."""
    walks = _pair(options["attacks"], context)
    check_side(options["side"])
    part = first(images, options["images"])
    ends = []
    for of in walks:
        at = [of.spec.steps]
        ends.append(walked(classifier, part, of, at=at, context=context)[of.spec.steps])
    frames = []
    for k in _right(classifier, part, context)[: options["planes"]]:
        x, corners = part.tensors()[0][k], (end[k] for end in ends)
        batch, device = context.batch, context.device
        found = plane(classifier, x, *corners, side=options["side"], batch=batch, device=device)
        found["region"] = np.array(part.names)[found["prediction"]]
        image = {"index": part.index[k], "label": part.labels[k]}
        frames.append(pd.DataFrame(_named(walks) | image | found))
    return Measured(pd.concat(frames, ignore_index=True))


def _pair(names: list[str], context: Context) -> list[Walk]:
    """The two attacks, in the order of the plane's axes."""
    if len(names) != 2:
        raise Refused(
            f"Two attacks span a plane, {len(names)} were given ({', '.join(names)}); name two "
            "in options.attacks of the measure."
        )
    return [walk(name, context.attacks[name]) for name in names]


def _named(walks: list[Walk]) -> dict[str, Any]:
    """The columns that say which attacks span a plane, and with which budgets."""
    one, other = walks
    names = {"first": one.attack, "second": other.attack}
    return names | {"first_eps": one.spec.eps, "second_eps": other.spec.eps}


def _right(classifier: Classifier, part: Images, context: Context) -> np.ndarray:
    """The places of the images that the classifier has right."""
    x, y = part.tensors()
    z = logits(classifier, x, batch=context.batch, device=context.device)
    right = np.flatnonzero((z.argmax(dim=1) == y).numpy())
    if not len(right):
        raise Refused(
            f"The classifier errs on all of {len(part)} images, and no plane starts at a right "
            "one; raise options.images of the measure."
        )
    return right


def check_side(side: int) -> None:
    """Refuse a grid that misses the three points it is made for."""
    if side < 5 or side % 4 != 1:
        raise Refused(
            f"A side of {side} points misses the image and its attacked versions; take 5, 9, "
            "..., 41, ..."
        )


def points(x: Tensor, first: Tensor, second: Tensor, *, side: int) -> tuple[Tensor, Tensor]:
    """Coordinates (a, b) [side^2,2] from -0.5 to 1.5 and the points x + a (first - x) + b (second -
    x) [side^2,c,h,w].

    (0,0) is the image x [c,h,w], (1,0) and (0,1) are its attacked versions; b runs slowest.
    """
    line = torch.linspace(LOW, HIGH, side, dtype=torch.float64)
    coordinates = torch.cartesian_prod(line, line).flip(dims=(1,))
    a, b = (part.float().reshape(-1, 1, 1, 1) for part in coordinates.unbind(dim=1))
    return coordinates, x + a * (first - x) + b * (second - x)


def plane(
    classifier: Classifier,
    x: Tensor,
    first: Tensor,
    second: Tensor,
    *,
    side: int,
    batch: int,
    device: str,
) -> dict[str, np.ndarray]:
    """E(x) and the predicted class on the grid, at the nearest image where a point has left [0,1],
    which `inside` says.

    `lead` is by how much the highest logit leads the next one: 0 on the borders of the decision
    regions. `cosine` is that of the angle between the ways to both attacked versions: the axes a
    and b are rarely at right angles.
    """
    coordinates, grid = points(x, first, second, side=side)
    images = grid.clamp(0, 1)
    z = logits(classifier, images, batch=batch, device=device)
    return {
        "a": coordinates[:, 0].numpy(),
        "b": coordinates[:, 1].numpy(),
        "energy": energy(z).numpy(),
        "prediction": z.argmax(dim=1).numpy(),
        "lead": margin(z, z.argmax(dim=1)).numpy(),
        "inside": ((grid - images).abs() <= ROUNDING).flatten(1).all(dim=1).numpy(),
        "cosine": cosine_similarity((first - x).flatten(), (second - x).flatten(), dim=0)
        .expand(len(z))
        .numpy(),
    }
