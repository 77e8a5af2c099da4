"""Small networks of which each source image has its own, run as grouped convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAK = 0.2  # slope of the leaky ReLU below 0


@dataclass(frozen=True)
class Layer:
    """The shape of a convolution: channels out, side of its kernel, stride and padding."""

    outside: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


class PerSource(nn.Module):
    """Convolutions with leaky ReLUs between them: images [r,S,c,h,w] of S sources -> [r,S,o,h',w'],
    those of source s by network s.
    """

    def __init__(
        self, layers: Sequence[Layer], *, channels: int, generators: Sequence[torch.Generator]
    ) -> None:
        super().__init__()
        self.layers, self.sources = tuple(layers), len(generators)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        inside = channels
        for layer in self.layers:
            drawn = [_drawn(layer, inside, source) for source in generators]
            self.weights.append(torch.cat(drawn))
            self.biases.append(torch.zeros(self.sources * layer.outside))
            inside = layer.outside

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1, 2)
        for number, layer in enumerate(self.layers):
            x = functional.leaky_relu(x, LEAK) if number else x
            shape = {"stride": layer.stride, "padding": layer.padding, "groups": self.sources}
            x = functional.conv2d(x, self.weights[number], self.biases[number], **shape)
        return x.unflatten(1, (self.sources, -1))


def _drawn(layer: Layer, inside: int, source: torch.Generator) -> Tensor:
    """Weights [o,i,k,k] of one network, by which variances stay as they are."""
    shape = (layer.outside, inside, layer.kernel, layer.kernel)
    scale = sqrt(2 / (1 + LEAK**2) / (inside * layer.kernel**2))
    return scale * torch.randn(shape, generator=source)
