"""Harmless shifts of images at five severities, after Hendrycks & Dietterich 2019.

The constants are those of CIFAR-10-C, for images of 32 px: create_c/make_cifar_c.py of the authors'
repository hendrycks/robustness. By severity 1 to 5:

    noise       Gaussian, standard deviation      0.04  0.06  0.08  0.09  0.10
    blur        Gaussian, sigma in pixels         0.4   0.6   0.7   0.8   1
    brightness  added to the value of HSV         0.05  0.1   0.15  0.2   0.3
    contrast    factor about each channel's mean  0.75  0.5   0.4   0.3   0.15
    jpeg        quality                           80    65    58    50    40

The blur is the benchmark's extra corruption `gaussian_blur`. Images stay float, where the benchmark
stores bytes; jpeg alone passes through bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images, to_float

BALL = False  # severities are no radius
TAKES = ()
OPTIONS = {
    "corruption": {
        "one_of": ("noise", "blur", "brightness", "contrast", "jpeg"),
        "default": "noise",
        "means": "What is done to the images; meant to be swept.",
    },
    "severity": {
        "type": "whole number",
        "least": 1,
        "most": 5,
        "default": 3,
        "means": "How strongly, from 1 to 5; meant to be swept.",
    },
}
CONSTANTS = {
    "noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "jpeg": (80, 65, 58, 50, 40),
}
REACH = 4  # sigmas at which the Gaussian kernel ends, as in scipy and scikit-image


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The corrupted images; the noise of all severities is one draw, scaled."""
    check_images(images)
    options = accepted("corruption", spec).options
    name = options["corruption"]
    constant = CONSTANTS[name][options["severity"] - 1]
    if name == "noise":
        return Attacked(noise(images, constant, generator))
    return Attacked(FUNCTIONS[name](images, constant))


def noise(x: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """x + deviation n with n ~ N(0,1) per value, clipped."""
    n = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
    return (x + deviation * n).clamp(0, 1)


def blur(x: Tensor, sigma: float) -> Tensor:
    """x folded with a Gaussian along rows and columns; beyond the edge stand the edge's pixels."""
    kernel, channels = gaussian(sigma).to(x), x.shape[1]
    reach = len(kernel) // 2
    for shape, sides in (
        ((channels, 1, -1, 1), (0, 0, reach, reach)),
        ((channels, 1, 1, -1), (reach, reach, 0, 0)),
    ):
        weight = kernel.repeat(channels, 1).reshape(shape)
        x = conv2d(pad(x, sides, mode="replicate"), weight, groups=channels)
    return x.clamp(0, 1)


def gaussian(sigma: float) -> Tensor:
    """The kernel exp(-i^2 / 2 sigma^2) for |i| <= 4 sigma, rounded, with sum 1."""
    reach = int(REACH * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    return kernel / kernel.sum()


def brightness(x: Tensor, added: float) -> Tensor:
    """The value V of HSV, which is the largest channel, raised to at most 1: all channels grow by
    one factor, and black becomes grey.
    """
    value = x.amax(dim=1, keepdim=True)
    raised = (value + added).clamp(max=1)
    bright = torch.where(value > 0, x / value.clamp_min(torch.finfo(x.dtype).tiny) * raised, raised)
    return bright.clamp(0, 1)


def contrast(x: Tensor, factor: float) -> Tensor:
    """Distances from the mean of each image's channel, times the factor."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    return ((x - mean) * factor + mean).clamp(0, 1)


def jpeg(x: Tensor, quality: float) -> Tensor:
    """The images encoded as JPEG and decoded again, one by one."""
    return torch.stack([_encoded(image, int(quality)) for image in x]).to(x)


def _encoded(image: Tensor, quality: int) -> Tensor:
    """One image [c,h,w], of one or three channels, from and to bytes."""
    import numpy as np
    from PIL import Image

    values = (image.detach() * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    buffer = BytesIO()
    grey = values.shape[2] == 1
    Image.fromarray(values[:, :, 0] if grey else values).save(buffer, "JPEG", quality=quality)
    decoded = np.array(Image.open(buffer)).reshape(values.shape)
    return to_float(torch.from_numpy(decoded).permute(2, 0, 1))


FUNCTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "blur": blur,
    "brightness": brightness,
    "contrast": contrast,
    "jpeg": jpeg,
}
