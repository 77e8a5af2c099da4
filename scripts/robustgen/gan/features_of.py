"""The last features of a classifier that is trained here, in the place of Inception's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from robustgen.gan.types import Features, Judged
from robustgen.nets.classifier import Classifier
from robustgen.nets.spec import Spec

GIVES = "feature net"
PARTS = {"net": "classifier"}
OPTIONS: dict[str, dict[str, object]] = {}


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: object,
    device: str,
) -> FeaturesOf:
    """The features of the part `net`."""
    del net, spec, dtype
    return FeaturesOf(parts["net"]).to(device)


class FeaturesOf(Features):
    """The input of a classifier's last layer, and its scores."""

    name, resize = "surrogate: features of a classifier trained here", "none"

    def __init__(self, base: Classifier) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Judged:
        seen = self.base.look(x)
        return Judged(seen["features"], seen["scores"])
