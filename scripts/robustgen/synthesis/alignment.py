"""What a gradient image looks like: rough or smooth, in fine or coarse structures, along the
image's edges or not.

Every measure takes images [n,c,h,w] and gives one float64 value per image, the same for any
positive multiple of a gradient that is not zero everywhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

QUARTER = 0.125  # cycles per pixel: a quarter of the Nyquist frequency, which is 0.5
# across columns; its transpose goes across rows
SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def total_variation(g: Tensor) -> Tensor:
    """sum |g_i - g_j| over neighbouring pixels i, j, divided by sum |g_i|: 0 where constant, 4 for
    single far-apart pixels.
    """
    g = g.double()
    across, down = g.diff(dim=3).abs(), g.diff(dim=2).abs()
    return (across.sum(dim=(1, 2, 3)) + down.sum(dim=(1, 2, 3))) / g.abs().sum(dim=(1, 2, 3))


def low_frequency_share(g: Tensor, radius: float = QUARTER) -> Tensor:
    """sum |F g(f)|^2 over |f| <= radius, divided by the sum over all f; F is the 2-D Fourier
    transform of each channel.

    The mean stays in, as the lowest frequency, so that the share exists for constant gradients too.
    White noise has the share pi radius^2 of frequencies within the circle: 5 % at a quarter of
    Nyquist.
    """
    h, w = g.shape[2:]
    squared = torch.fft.fft2(g.double()).abs().square().sum(dim=1)  # [n,h,w]
    rows, columns = (
        torch.fft.fftfreq(h, dtype=torch.float64),
        torch.fft.fftfreq(w, dtype=torch.float64),
    )
    inside = torch.hypot(rows[:, None], columns[None, :]) <= radius
    return (squared * inside.to(g.device)).sum(dim=(1, 2)) / squared.sum(dim=(1, 2))


def edge_agreement(g: Tensor, x: Tensor) -> Tensor:
    """Spearman's correlation over pixels between sum_channels |g| and the image's edges.

    1 where a stronger edge always has the stronger gradient, near 0 where they are unrelated;
    ranks, so that a few bright pixels decide nothing. 0 by definition where one of both is
    constant, as the edges of a flat image are.
    """
    return _correlation(_ranks(g.double().abs().sum(dim=1).flatten(1)), _ranks(edges(x).flatten(1)))


def edges(x: Tensor) -> Tensor:
    """The Sobel magnitude [n,h,w], sqrt(s_x^2 + s_y^2) summed over channels; the frame repeats, so
    that it is no edge.
    """
    n, c, h, w = x.shape
    kernel = torch.tensor(SOBEL, dtype=torch.float64, device=x.device)
    framed = pad(x.double().reshape(n * c, 1, h, w), (1, 1, 1, 1), mode="replicate")
    slopes = conv2d(framed, torch.stack([kernel, kernel.T])[:, None])  # [n*c,2,h,w]
    # sums to 0 are 0
    return slopes.square().sum(dim=1).sqrt().reshape(n, c, h, w).sum(dim=1).round(decimals=12)


def _ranks(values: Tensor) -> Tensor:
    """Ranks along the last axis [n,d], equal values sharing their mean rank; what differs by
    rounding counts as equal.
    """
    values = (
        values / values.amax(dim=1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    ).round(decimals=12)
    ordered = values.sort(dim=1).values
    below, upto = (
        torch.searchsorted(ordered, values),
        torch.searchsorted(ordered, values, right=True),
    )
    return (below + upto).double() / 2


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    sizes = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(sizes > 0, (a * b).sum(dim=1) / sizes.clamp_min(math.ulp(1.0)), 0.0)
