"""What a trained net computes on the way to its logits: the outputs of its stages and the input of
its linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused


@dataclass(frozen=True)
class Activations:
    """Activations of n images, in fp32."""

    layers: list[Tensor]  # each [n,d]: stages in order, then logits
    features: Tensor  # [n,d], the input of the linear layer
    logits: Tensor  # [n,K]


@torch.no_grad()
def activations(model: nn.Sequential, x: Tensor) -> Activations:
    """The activations of a frozen classifier on images [n,c,h,w]."""
    net = inner(model)
    stages = net.layers(model[:2](x))
    features: Tensor = net.pooled(stages[-1]).float()
    logits: Tensor = net.linear(features)
    return Activations([stage.float().flatten(1) for stage in stages] + [logits], features, logits)


def inner(model: nn.Sequential) -> Any:
    """The net inside a frozen classifier, which must say what its layers are."""
    net = model[2]
    missing = [name for name in ("layers", "pooled", "linear") if not hasattr(net, name)]
    if missing:
        kind = type(net).__name__
        raise Refused(
            f"{kind} has no {', '.join(missing)}, by which detectors look into a net; see "
            "nets/resnet.py for their form."
        )
    return net
