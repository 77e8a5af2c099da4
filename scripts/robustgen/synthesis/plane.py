"""E and the decision on the plane that an image and two attacked versions of it span."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from robustgen.attacks.types import Classifier
from robustgen.core.refusal import Refused
from robustgen.measures.energy import energy, margin
from robustgen.measures.scores import logits

LOW, HIGH = -0.5, 1.5
ROUNDING = 1e-6  # x + (first - x) may miss 1 by so much


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
