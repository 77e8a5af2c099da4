"""The Inception net of FID, from pytorch-fid's layers and the weights that it publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.gan.types import Features, Judged, signed
from robustgen.nets.spec import Spec

PIXELS = 299
GIVES = "feature net"
OPTIONS: dict[str, dict[str, object]] = {}


def build(*, channels: int, classes: int, size: int) -> nn.Module:
    """The net with the names of pytorch-fid's checkpoint, without weights."""
    del channels, classes, size
    from pytorch_fid import inception as fid
    from torchvision.models.inception import Inception3

    net = Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    net.once = lambda: net(torch.zeros(1, 3, PIXELS, PIXELS))  # a pass for counting operations
    net.Mixed_5b = fid.FIDInceptionA(192, pool_features=32)
    net.Mixed_5c = fid.FIDInceptionA(256, pool_features=64)
    net.Mixed_5d = fid.FIDInceptionA(288, pool_features=64)
    net.Mixed_6b = fid.FIDInceptionC(768, channels_7x7=128)
    net.Mixed_6c = fid.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6d = fid.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6e = fid.FIDInceptionC(768, channels_7x7=192)
    net.Mixed_7b = fid.FIDInceptionE_1(1280)
    net.Mixed_7c = fid.FIDInceptionE_2(2048)
    return cast(nn.Module, net)


def freeze(
    net: nn.Sequential, parts: Mapping[str, Any], *, spec: Spec, dtype: object, device: str
) -> Inception:
    """The net as features."""
    del parts, spec, dtype
    return Inception(net[1]).to(device)


class Inception(Features):
    """The 2048 features of the last pooling, of images brought to 299 pixels."""

    name, resize = "Inception (pytorch-fid)", "bilinear to 299"

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.last, net.fc = net.fc, nn.Identity()
        self.net = net.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Judged:
        x = functional.interpolate(x.expand(-1, 3, -1, -1), (PIXELS, PIXELS), mode="bilinear")
        features = self.net(signed(x))
        return Judged(features, self.last(features))
