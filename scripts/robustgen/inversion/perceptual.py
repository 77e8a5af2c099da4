"""Feature distances (eq. 3.6 and 3.7 of An Ju's thesis) by the layers of a trained classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.gan.types import Distance, Parts, Target
from robustgen.measures.perceptual import by_channel, by_pixel, compared, squared
from robustgen.nets.classifier import Plain
from robustgen.nets.spec import Spec

GIVES = "distance"
PARTS = {"net": "classifier"}
OPTIONS: dict[str, dict[str, Any]] = {
    "metric": {
        "default": "VGG",
        "means": "What tables call it; say surrogate where a net stands for another one.",
    },
    "weight": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "lambda_perceptual of eq. 3.7, beside the squared difference of pixels.",
    },
    "normalized": {
        "one_of": ("channels", "pixels"),
        "default": "channels",
        "means": "channels: the mean over layers of eq. 3.6; pixels: the sum over layers of LPIPS "
        "without its learnt weights.",
    },
}


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: object,
    device: str,
) -> Perceptual:
    """The distance by a plain net."""
    del net, dtype
    base = parts["net"]
    if not isinstance(base, Plain):
        raise Refused("The part `net` of kind perceptual must be a plain trained net.")
    options = {name: option["default"] for name, option in OPTIONS.items()} | spec.options
    return Perceptual(base, **options).to(device)


class Perceptual(Distance):
    """The distance of two images by the feature maps of a net, the first layer among them."""

    def __init__(self, net: Plain, *, metric: str, weight: float, normalized: str) -> None:
        super().__init__()
        self.net, self.name, self.weight = net, metric, weight
        self.normalized = by_channel if normalized == "channels" else by_pixel
        self.mean = normalized == "channels"

    def target(self, x: Tensor) -> Target:
        """The images with their normalised features."""
        return Target(x, tuple(self.normalized(tap) for tap in self.net.taps(x)))

    def parts(self, target: Target, x: Tensor) -> Parts:
        """The terms of the distance of images x from their targets."""
        terms = compared(target.features, self.target(x).features)
        total = sum(terms[1:], terms[0])
        return Parts(squared(target.x, x), total / len(terms) if self.mean else total)
