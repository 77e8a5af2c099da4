"""Where an inversion starts, and the code to which its regulariser pulls: Algorithms 3 and 4 of An
Ju's thesis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.core.values import whole
from robustgen.gan.types import Encoder, Generator, prior

GIB = 2**30
MOST = 2.0  # GiB that the images of random codes may take
DRAWN = 250  # images at a time


@dataclass(frozen=True)
class Start:
    """Codes [n,K,d] at which the search starts, and those [n,K,d] to which it is pulled."""

    codes: Tensor
    anchors: Tensor


class Encoded:
    """Both are the code that an encoder gives the image, whatever the class."""

    def __init__(self, encoder: Encoder, classes: int) -> None:
        self.encoder, self.classes = encoder, classes

    def __call__(self, x: Tensor) -> Start:
        codes = self.encoder(x)[:, None].expand(-1, self.classes, -1)
        return Start(codes, codes)


class Nearest:
    """Per class the best of random codes by the squared difference of pixels; pulled to 0.

    The images of all codes are computed once, and compared by one matrix product per class.
    """

    def __init__(self, generator: Generator, *, count: int, seed: int) -> None:
        whole("The number of random codes", count, least=1)
        source = torch.Generator().manual_seed(seed)
        device = next(generator.parameters()).device
        self.codes = prior(count, generator.latent, source).to(device)
        self.images = torch.stack(
            [_drawn(generator, self.codes, k) for k in range(generator.classes)]
        )  # [K,N,c*h*w]
        self.squares = self.images.pow(2).sum(dim=2)  # [K,N]

    def __call__(self, x: Tensor) -> Start:
        codes = self.codes[self.best(x)]
        return Start(codes, torch.zeros_like(codes))

    def best(self, x: Tensor) -> Tensor:
        """The place [n,K] of the nearest code's image: arg min ||g||^2 - 2 x g."""
        flat = x.detach().flatten(1)
        return torch.stack(
            [
                (squares - 2 * flat @ images.T).argmin(dim=1)
                for images, squares in zip(self.images, self.squares, strict=True)
            ],
            dim=1,
        )


@torch.no_grad()
def _drawn(generator: Generator, codes: Tensor, k: int) -> Tensor:
    """The images [N,c*h*w] of all codes in class k."""
    parts = []
    for part in codes.split(DRAWN):
        y = torch.full((len(part),), k, device=codes.device)
        images = generator(part, y).flatten(1)
        parts.append(images)
        _bound(images.shape[1], len(codes), generator.classes)
    return torch.cat(parts)


def _bound(pixels: int, count: int, classes: int) -> None:
    need = pixels * count * classes * 4 / GIB
    if need > MOST:
        raise Refused(
            f"The images of {count} random codes for {classes} classes take {need:.2g} GiB, more "
            f"than {MOST:g}; lower the option codes."
        )
