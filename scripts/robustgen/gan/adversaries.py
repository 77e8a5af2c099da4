"""What an encoder is trained against: the discriminator of images (Enc), or one of codes (Enc-D);
eq. 3.4 and 3.5 of An Ju's thesis.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, softplus

from robustgen.gan.spectral import Linear
from robustgen.gan.types import Generator, prior, signed

SLOPE = 0.2  # of leaky ReLUs below 0


def judging(real: Tensor, fake: Tensor) -> Tensor:
    """mean softplus(fake) + mean softplus(-real) of logits [n], the discriminator's loss."""
    return softplus(fake).mean() + softplus(-real).mean()


class Adversary(nn.Module):
    """A discriminator of what an encoder makes: images x [n,c,h,w] in [0,1] and their inversions,
    or codes.
    """

    def deceived(self, made: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """-log of how real it takes inversions `made` and codes z [n,d] for: [n]."""
        raise NotImplementedError

    def loss(
        self, x: Tensor, made: Tensor, z: Tensor, y: Tensor, source: torch.Generator
    ) -> Tensor:
        """Its own loss."""
        raise NotImplementedError


class OfImages(Adversary):
    """The discriminator of images and classes that the generator was trained against."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.net = generator.discriminator()

    def deceived(self, made: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del z
        return softplus(-self.net(signed(made), y).float())

    def loss(
        self, x: Tensor, made: Tensor, z: Tensor, y: Tensor, source: torch.Generator
    ) -> Tensor:
        del z, source
        logits = self.net(signed(torch.cat([x, made])), torch.cat([y, y])).float()
        return judging(*logits.chunk(2))


class OfCodes(Adversary):
    """A network of three layers with spectral normalisation, which tells codes of N(0, I) from the
    encoder's.
    """

    def __init__(self, latent: int, *, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Linear(latent, hidden), Linear(hidden, hidden), Linear(hidden, 1)]
        )

    def deceived(self, made: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del made, y
        return softplus(-self._logits(z))

    def loss(
        self, x: Tensor, made: Tensor, z: Tensor, y: Tensor, source: torch.Generator
    ) -> Tensor:
        del x, made, y
        drawn = prior(len(z), z.shape[1], source).to(z)
        return judging(*self._logits(torch.cat([drawn, z])).chunk(2))

    def _logits(self, z: Tensor) -> Tensor:
        *others, last = self.layers
        for layer in others:
            z = leaky_relu(layer(z), SLOPE)
        return last(z)[:, 0].float()


def adversary(kind: str, generator: Generator, options: dict[str, Any]) -> Adversary:
    """The discriminator `image` or `latent`."""
    if kind == "image":
        return OfImages(generator)
    return OfCodes(generator.latent, hidden=options["hidden"])
