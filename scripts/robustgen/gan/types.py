"""What kinds of models of chapter 3 give beside classifiers: generators, encoders, distances and
features. All take and give images [n,c,h,w] in [0,1], and have no parameter gradients.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor, nn

DIGITS = 12  # of a hash that stands in rows


class Frozen(nn.Module):
    """A module in inference mode; switching between training and evaluation does not reach it."""

    def train(self, mode: bool = True) -> Frozen:
        """Stay in evaluation mode."""
        del mode
        return super().train(False)


@dataclass(frozen=True)
class Judged:
    """What a network of features says of images."""

    features: Tensor  # [n,d]
    logits: Tensor  # [n,classes] of the network itself


class Features(Frozen):
    """Features of images, by which FID, KID and the Inception score compare sets of images."""

    name: str  # as tables name it, with the word surrogate where it is no Inception
    resize: str  # how images are brought to the network's size

    def forward(self, x: Tensor) -> Judged:
        raise NotImplementedError

    def facts(self) -> dict[str, str]:
        """What a row with a distance by these features says of them: name, resizing, and a hash of
        their weights.
        """
        state = hashlib.sha256()
        for tensor in self.state_dict().values():
            state.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
        digest = state.hexdigest()[:DIGITS]
        return {"extractor": self.name, "resize": self.resize, "extractor_sha256": digest}


class Generator(Frozen):
    """Images of classes from latent codes, with what judges them: the features for FID, and the
    discriminator that the generator was trained against.
    """

    latent: int  # d
    slots: int  # places at which the code enters
    classes: int
    features: Features
    progress: Tensor | None = None  # uint8 [t,K,m,c,h,w], samples during training

    def forward(self, z: Tensor, y: Tensor, extra: Tensor | None = None) -> Tensor:
        """Images of codes [n,d] ~ N(0, I) and classes [n]; place i takes z + extra[:, i] where
        extra [n,slots,d] is given.
        """
        raise NotImplementedError

    def discriminate(self, x: Tensor, y: Tensor) -> Tensor:
        """Logits [n] of images and classes, above 0 where they look real."""
        raise NotImplementedError

    def discriminator(self) -> nn.Module:
        """A trainable copy of the discriminator: images [n,c,h,w] in [-1,1], classes [n] ->
        logits [n].
        """
        raise NotImplementedError


class Encoder(Frozen):
    """Codes [n,d] of images."""

    latent: int

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class Target:
    """Images with all that a distance computes of them, once for each image."""

    x: Tensor  # [n,c,h,w]
    features: tuple[Tensor, ...]  # normalised, each [n,...]

    def __getitem__(self, index: Tensor) -> Target:
        return Target(self.x[index], tuple(feature[index] for feature in self.features))


@dataclass(frozen=True)
class Parts:
    """The two terms of a distance [n] each; `perceptual` has no weight yet."""

    pixels: Tensor
    perceptual: Tensor


class Distance(Frozen):
    """||2 x - 2 x'||^2 + weight * perceptual(x, x'), eq. 3.7 with pixels in [-1,1]."""

    name: str  # as tables name it, with the word surrogate where a network stands for another
    weight: float  # lambda_perceptual

    def target(self, x: Tensor) -> Target:
        """What is computed of images once."""
        raise NotImplementedError

    def parts(self, target: Target, x: Tensor) -> Parts:
        """The terms of the distance of images x from their targets."""
        raise NotImplementedError

    def forward(self, target: Target, x: Tensor) -> Tensor:
        """The distances [n]."""
        parts = self.parts(target, x)
        return parts.pixels + self.weight * parts.perceptual


def signed(x: Tensor) -> Tensor:
    """Images of [0,1] in [-1,1]."""
    return 2 * x - 1


def unsigned(x: Tensor) -> Tensor:
    """Images of [-1,1] in [0,1]."""
    return (x + 1) / 2


def prior(count: int, latent: int, source: torch.Generator) -> Tensor:
    """Codes [count,latent] drawn from N(0, I)."""
    return torch.randn((count, latent), generator=source)
