"""Distances of images by the features of a network: each layer's features are normalised once, and
then compared by squared differences.
"""

from __future__ import annotations

from torch import Tensor

TINY = 1e-10  # inside the root, for channels and pixels that are 0 everywhere


def by_channel(features: Tensor) -> Tensor:
    """Features [n,c,h,w] whose channels have the norm sqrt(h w) each, over sqrt(c): the squared
    difference of two is one layer's term of eq. 3.6 in An Ju's thesis.
    """
    squares = features.pow(2).mean(dim=(2, 3), keepdim=True)
    return (features * (squares + TINY).rsqrt() / features.shape[1] ** 0.5).flatten(1)


def by_pixel(features: Tensor) -> Tensor:
    """Features [n,c,h,w] of unit norm over the channels of each pixel, over sqrt(h w): the squared
    difference of two is one layer's term of LPIPS without learnt weights.
    """
    squares = features.pow(2).sum(dim=1, keepdim=True)
    pixels = features.shape[2] * features.shape[3]
    return (features * (squares + TINY).rsqrt() / pixels**0.5).flatten(1)


def compared(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> list[Tensor]:
    """The squared difference [n] of each layer's normalised features [n,...]."""
    return [(one - other).pow(2).sum(dim=1) for one, other in zip(a, b, strict=True)]


def squared(a: Tensor, b: Tensor) -> Tensor:
    """||2 a - 2 b||^2 [n] of images in [0,1]: the sum over all pixels in [-1,1]."""
    return 4 * (a - b).flatten(1).pow(2).sum(dim=1)
