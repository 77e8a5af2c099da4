"""Several networks of one shape as one: layers of G groups, each of which sees its own inputs
[n,G,...] alone. One pass of grouped layers is faster than a loop over G networks.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from robustgen.abs.shapes import Layer, Shape

SLOPE = 0.2  # of leaky ReLUs; the thesis gives none


class Linear(nn.Module):
    """G linear layers: [n,G,inside] -> [n,G,outside]."""

    def __init__(self, groups: int, inside: int, outside: int) -> None:
        super().__init__()
        bound = inside**-0.5  # as torch starts a linear layer
        self.weight = nn.Parameter(torch.empty(groups, outside, inside).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, outside).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("ngi,goi->ngo", x, self.weight) + self.bias


class Trunk(nn.Sequential):
    """Convolutions of G groups, each with its norm and activation."""

    def __init__(self) -> None:
        super().__init__()
        self.folds: tuple[tuple[str, str], ...] = ()  # see robustgen.nets.fold

    def add(self, layer: Layer, groups: int, inside: int) -> None:
        """Put a layer behind the others."""
        conv = nn.Conv2d(
            groups * inside,
            groups * layer.channels,
            layer.kernel,
            layer.stride,
            layer.padding,
            groups=groups,
            bias=False,
        )
        self.folds += ((str(len(self)), str(len(self) + 1)),)
        self.extend([conv, nn.BatchNorm2d(groups * layer.channels), nn.LeakyReLU(SLOPE)])


class Encoder(nn.Module):
    """G encoders: images [n,G,c,h,w] -> mean and log variance of latents, each [n,G,M]."""

    def __init__(self, of: Shape, groups: int, *, channels: int, dropout: float) -> None:
        super().__init__()
        self.groups = groups
        self.trunk = Trunk()
        inside, side = channels, of.size
        for layer in of.encoder:
            self.trunk.add(layer, groups, inside)
            inside, side = layer.channels, _side(side, layer)
        self.features = inside * side**2
        self.dropout = nn.Dropout(dropout)
        self.mean = Linear(groups, self.features, of.latent)
        self.log_variance = Linear(groups, self.features, of.latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.trunk(x.flatten(1, 2)).unflatten(1, (self.groups, -1)).flatten(2)
        h = self.dropout(h)
        return self.mean(h), self.log_variance(h)


class Decoder(nn.Module):
    """G decoders: latents [n,G,M] -> images [n,G,c,h,w] in [0,1]."""

    def __init__(self, of: Shape, groups: int, *, dropout: float) -> None:
        super().__init__()
        self.groups = groups
        first = of.decoder[0].channels
        self.enter = Linear(groups, of.latent, first)
        self.dropout = nn.Dropout(dropout)
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        inside = first
        for layer in of.decoder:
            last = layer is of.decoder[-1]
            self.convs.append(_up(layer, groups, inside, bias=last))
            if not last:
                self.norms.append(nn.BatchNorm2d(groups * layer.channels))
            inside = layer.channels

    def forward(self, z: Tensor) -> Tensor:
        h = self.dropout(self.enter(z)).flatten(1)[:, :, None, None]
        for conv, norm in zip(self.convs, self.norms, strict=False):
            h = norm(conv(h)).relu()
        image: Tensor = self.convs[-1](h).sigmoid()
        return image.unflatten(1, (self.groups, -1))


class Discriminator(nn.Module):
    """G two-layer networks: latents [n,G,M] -> logits [n,G] of D(z), that z is of the prior."""

    def __init__(self, of: Shape, groups: int) -> None:
        super().__init__()
        sizes = (of.latent, *of.discriminator, 1)
        self.layers = nn.ModuleList(Linear(groups, *pair) for pair in pairwise(sizes))

    def forward(self, z: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            z = nn.functional.leaky_relu(layer(z), SLOPE)
        logit: Tensor = self.layers[-1](z)
        return logit[:, :, 0]


def _up(layer: Layer, groups: int, inside: int, *, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(
        groups * inside,
        groups * layer.channels,
        layer.kernel,
        layer.stride,
        layer.padding,
        groups=groups,
        bias=bias,
    )


def _side(side: int, layer: Layer) -> int:
    """The side of a convolution's output."""
    return (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
