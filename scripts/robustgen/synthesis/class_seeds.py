"""Where the generation of a class starts: a draw of a normal law with the mean and covariance of
its images.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from robustgen.core.refusal import Refused

RIDGE = 1e-4  # added to the variance of every pixel


def class_seeds(
    x: Tensor, y: Tensor, wanted: Tensor, *, grain: int, generator: torch.Generator
) -> Tensor:
    """Images [m,c,h,w] of the wanted classes [m], each from N(mu_k, Sigma_k + 1e-4 I) of the images
    x of its class k.

    mu_k + X_k^T u / sqrt(n_k) + 0.01 v, with rows X_k of centred images and normal u, v, has this
    law; no covariance is built. Images are averaged over blocks of `grain` pixels first and blown
    up again after.
    """
    if x.shape[2] % grain or x.shape[3] % grain:
        raise Refused(f"Images of {x.shape[2]} pixels have no whole blocks of {grain} pixels.")
    small = functional.avg_pool2d(x, grain)
    drawn = torch.empty(len(wanted), *small.shape[1:])
    for k in wanted.unique().tolist():
        mine, places = small[y == k].flatten(1), torch.nonzero(wanted == k)[:, 0]
        found = _drawn(mine, len(places), generator)
        drawn[places] = found.reshape(len(places), *small.shape[1:])
    return functional.interpolate(drawn.clamp(0, 1), scale_factor=grain, mode="nearest")


def wanted_classes(classes: int, chosen: tuple[int, ...], labels: Tensor, n: int) -> Tensor:
    """n classes in turn, out of the chosen ones or of all; refused where one does not exist or has
    no image.
    """
    several = chosen or tuple(range(classes))
    if beyond := [k for k in several if k >= classes]:
        raise Refused(
            f"There is no class {beyond[0]}; the data set has classes 0 to {classes - 1}. Change "
            "the option classes."
        )
    if empty := [k for k in several if not (labels == k).any()]:
        raise Refused(
            f"No test image is of class {empty[0]}; raise datasets.*.evaluate.test, or leave the "
            "class out of the option classes."
        )
    return torch.tensor(several).repeat(-(-n // len(several)))[:n]


def _drawn(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` draws of N(mean, covariance + ridge) of rows x [n,d]."""
    centre, n = x.mean(dim=0), len(x)
    along = torch.randn(count, n, generator=generator) @ (x - centre) / n**0.5
    return centre + along + RIDGE**0.5 * torch.randn(count, x.shape[1], generator=generator)
