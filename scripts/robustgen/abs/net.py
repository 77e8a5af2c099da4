"""The networks of ABS, E-ABS and all in between: three switches of one model.

adversarial (A)     a latent discriminator in the place of the KL divergence
discriminative (D)  one encoder for all classes, and a loss that tells classes apart
variational (V)     inference fits the variance of the latents, not their mean alone

None is on in ABS, all are in E-ABS. Without D each class has an encoder of its own, and a
discriminator of its own where there are any.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.abs.grouped import Decoder, Discriminator, Encoder
from robustgen.abs.losses import cost, disbelief, divergence
from robustgen.abs.shapes import Shape
from robustgen.core.refusal import Refused


class Autoencoders(nn.Module):
    """K decoders with one encoder or K, and where adversarial with one latent discriminator or K.

    Images are in [0,1]; G is 1 where a network is shared by all classes, else K.
    """

    def __init__(
        self,
        of: Shape,
        *,
        channels: int,
        classes: int,
        adversarial: bool,
        discriminative: bool,
        beta: float,
        dropout: float,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise Refused("Analysis by synthesis compares classes; the data set has one alone.")
        self.classes, self.latent, self.beta = classes, of.latent, beta
        self.shared = discriminative
        groups = 1 if discriminative else classes
        self.encoder = Encoder(of, groups, channels=channels, dropout=dropout)
        self.decoder = Decoder(of, classes, dropout=dropout)
        self.discriminator = Discriminator(of, groups) if adversarial else None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance [n,K,M] of the latents of x: [n,c,h,w] for all classes, or
        [n,K,c,h,w] with an image for each class's own encoder.
        """
        if x.ndim == 4:
            x = x[:, None].expand(-1, self.encoder.groups, -1, -1, -1)
        mean, log_variance = self.encoder(x)
        size = (-1, self.classes, -1)
        return mean.expand(size), log_variance.expand(size)

    def prior(self, z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """beta times what the latents [n,K,M] cost: -log D(z) [n,K] where adversarial, else the KL
        divergence of their distribution.
        """
        if self.discriminator is None:
            return self.beta * divergence(mean, log_variance)
        return self.beta * disbelief(self.judged(z))

    def judged(self, z: Tensor) -> Tensor:
        """The discriminator's logits [n,K] of latents [n,K,M]."""
        assert self.discriminator is not None
        if not self.shared:
            return self.discriminator(z)
        flat: Tensor = self.discriminator(z.flatten(0, 1)[:, None])
        return flat.reshape(z.shape[:2])

    def forward(self, x: Tensor) -> Tensor:
        """Scores -l_k [n,K] by the encoder alone, without inference: latents are their means."""
        mean, log_variance = self.encode(x)
        return -cost(x, self.decoder(mean)) - self.prior(mean, mean, log_variance)


def sampled(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """z = mean + sigma n; n ~ N(0, I) is the same for all classes of an image."""
    n = torch.randn((len(mean), 1, mean.shape[2]), generator=generator).to(mean)
    return mean + (log_variance / 2).exp() * n
