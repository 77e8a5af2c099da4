"""Shapes of the networks: Table 2.1 of An Ju's thesis, as data."""

from __future__ import annotations

from dataclasses import dataclass

from robustgen.core.refusal import Refused
from robustgen.core.values import whole


@dataclass(frozen=True)
class Layer:
    """A convolution of the encoder, or a transposed one of a decoder."""

    channels: int
    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True)
class Shape:
    """The layers of encoder, decoder and latent discriminator for images of one size."""

    size: int
    latent: int
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]  # the last one gives the image's channels
    discriminator: tuple[int, ...]  # neurons of the hidden layers


def _layers(*rows: tuple[int, int, int, int]) -> tuple[Layer, ...]:
    return tuple(Layer(*row) for row in rows)


IMAGE = 0  # stands for the channels of the images
OF_32 = _layers((64, 4, 1, 0), (64, 4, 2, 1), (32, 4, 2, 1), (16, 4, 2, 1), (IMAGE, 1, 1, 0))
SHAPES = {
    # also Fashion-MNIST; the padding of the last layer, a blank cell in the table, is 0
    "mnist": Shape(
        28,
        10,
        _layers((16, 5, 2, 2), (32, 5, 2, 2), (64, 5, 2, 2), (64, 4, 1, 1)),
        _layers((32, 4, 1, 0), (32, 5, 2, 0), (16, 5, 2, 0), (8, 4, 1, 0), (IMAGE, 1, 1, 0)),
        (256, 128),
    ),
    "supertraffic": Shape(
        32,
        16,
        _layers((16, 5, 2, 2), (32, 5, 2, 2), (64, 5, 2, 2), (128, 4, 1, 0)),
        OF_32,
        (256, 128),
    ),
    "svhn": Shape(
        32,
        40,
        _layers((32, 5, 2, 2), (64, 5, 2, 2), (128, 5, 2, 2), (128, 4, 1, 0)),
        OF_32,
        (512, 256),
    ),
}


def shape(name: str, *, channels: int, size: int, width: float, latent: int | None) -> Shape:
    """A shape for images of `channels` channels, with all hidden channels times `width`."""
    of = SHAPES[name]
    if size != of.size:
        raise Refused(
            f"Shape {name} is for images of {of.size} pixels, these have {size}; choose another "
            "shape, or set the data set's size."
        )
    if latent is not None:
        whole("A shape's latent", latent, least=1)

    def scaled(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        return tuple(
            Layer(_times(one.channels, width) or channels, one.kernel, one.stride, one.padding)
            for one in layers
        )

    neurons = tuple(_times(n, width) for n in of.discriminator)
    return Shape(size, latent or of.latent, scaled(of.encoder), scaled(of.decoder), neurons)


def _times(count: int, width: float) -> int:
    """The count times `width`, at least 1; 0 stays 0."""
    return max(1, round(count * width)) if count else 0
