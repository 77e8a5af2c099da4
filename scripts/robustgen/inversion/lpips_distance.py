"""LPIPS beside the squared difference of pixels: the backbone of the lpips package with weights
that are brought along, and the package's own learnt weights of the layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.gan.types import Distance, Parts, Target, signed
from robustgen.measures.perceptual import by_pixel, compared, squared
from robustgen.nets.spec import Spec

GIVES = "distance"
OPTIONS: dict[str, dict[str, Any]] = {
    "net": {
        "one_of": ("vgg", "alex", "squeeze"),
        "default": "vgg",
        "means": "Backbone, whose ImageNet weights the model's `weights` name.",
    },
    "learnt": {
        "type": "true or false",
        "default": True,
        "means": "Weights of channels as LPIPS learnt them; else all are 1, which is the plain VGG "
        "distance of the thesis on Imagenette.",
    },
    "resize": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "means": "Side to which images are brought, bilinearly; 0 leaves them.",
    },
    "metric": {"default": "LPIPS", "means": "What tables call it."},
    "weight": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "lambda_perceptual of eq. 3.7, beside the squared difference of pixels.",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}
TORCHVISION = {"vgg": "vgg16", "alex": "alexnet", "squeeze": "squeezenet1_1"}


class Backbone(nn.Module):
    """The convolutional layers of a torchvision net, by their names in its checkpoints."""

    def __init__(self, net: str) -> None:
        super().__init__()
        from torchvision import models

        self.features = getattr(models, TORCHVISION[net])(weights=None).features

    def once(self) -> None:
        """One pass of an image of 64 pixels."""
        self.features(torch.zeros(1, 3, 64, 64))


def build(*, channels: int, classes: int, size: int, **options: Any) -> nn.Module:
    """The backbone, without weights."""
    del channels, classes, size
    return Backbone(options.get("net", DEFAULTS["net"]))


def freeze(
    net: nn.Sequential, parts: Mapping[str, Any], *, spec: Spec, dtype: object, device: str
) -> Lpips:
    """The distance with the backbone's weights."""
    del parts, dtype
    backbone = cast(Backbone, net[1])
    return Lpips(backbone, **{**DEFAULTS, **spec.options}).to(device)


class Lpips(Distance):
    """LPIPS, of which the features of an image are computed once."""

    def __init__(
        self, backbone: Backbone, *, net: str, learnt: bool, resize: int, metric: str, weight: float
    ) -> None:
        super().__init__()
        from lpips import LPIPS

        self.lpips = LPIPS(net=net, pnet_rand=True, lpips=learnt, verbose=False)
        _fill(self.lpips.net, backbone.features)
        self.requires_grad_(False).eval()
        self.name, self.weight, self.resize = metric, weight, resize
        self.learnt = list(self.lpips.lins) if learnt else []

    def target(self, x: Tensor) -> Target:
        """The images with their features, normalised and weighted."""
        y = signed(x).expand(-1, 3, -1, -1)
        if self.resize:
            y = functional.interpolate(y, (self.resize, self.resize), mode="bilinear")
        taps = [by_pixel(tap) for tap in self.lpips.net(self.lpips.scaling_layer(y))]
        return Target(x, tuple(map(self._weighted, range(len(taps)), taps)))

    def parts(self, target: Target, x: Tensor) -> Parts:
        """The terms of the distance of images x from their targets."""
        terms = compared(target.features, self.target(x).features)
        return Parts(squared(target.x, x), sum(terms[1:], terms[0]))

    def _weighted(self, layer: int, features: Tensor) -> Tensor:
        """Features [n,c*h*w] times the roots of the layer's weights [c]."""
        if not self.learnt:
            return features
        weights = self.learnt[layer].model[-1].weight.flatten().clamp_min(0).sqrt()
        return (features.unflatten(1, (len(weights), -1)) * weights[:, None]).flatten(1)


def _fill(slices: nn.Module, features: nn.Sequential) -> None:
    """Give the package's slices the layers of a backbone; each bears its number there."""
    for part in slices.children():
        for name, layer in part.named_children():
            layer.load_state_dict(features[int(name)].state_dict())
