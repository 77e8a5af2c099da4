"""Candidates for the start of inference: random latents whose reconstructions are computed once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustgen.abs.losses import cost
from robustgen.abs.net import Autoencoders
from robustgen.core.refusal import Refused
from robustgen.core.values import whole

SEED = 0  # the same candidates in every job
DECODED = 250  # at a time
GIB = 2**30
RADIUS = 5.0  # of latents that are not variational, as in Schott et al.'s code


@dataclass(frozen=True)
class Candidates:
    """N latents, shared by all classes, and what each class makes of them."""

    means: Tensor  # [N,M]
    images: Tensor  # of each class's decoder, fp32 [K,N,c*h*w]
    offsets: Tensor  # ||image||^2 + prior [K,N], the part of the score that no image changes

    def best(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(means [n,K,M], l_k [n,K]) of the best candidate per image and class, by one matrix
        product: ||x - G||^2 = ||x||^2 - 2 x G + ||G||^2.
        """
        flat = x.flatten(1)
        scores = self.offsets[:, :, None] - 2 * (self.images @ flat.T)  # [K,N,n]
        least, place = scores.min(dim=1)
        return self.means[place.T], least.T + (flat**2).sum(dim=1)[:, None]


@torch.no_grad()
def candidates(
    net: Autoencoders,
    decoder: torch.nn.Module,
    *,
    count: int,
    noisy: bool,
    pixels: int,
    most: float,
) -> Candidates:
    """`count` candidates of means from N(0, I); `noisy` ones are decoded at mean + n, of unit
    variance, the others in the ball that their search keeps to. Refused where their
    reconstructions would take more than `most` GiB.
    """
    whole("Inference's candidates", count, least=1)
    need = count * net.classes * pixels * 4 / GIB
    if need > most:
        raise Refused(
            f"{count} candidates for {net.classes} classes take {need:.2g} GiB, more than the "
            f"{most:g} that the model's option cache_gib allows; lower candidates or raise it."
        )
    generator = torch.Generator().manual_seed(SEED)
    like = next(net.parameters())
    means, n = (torch.randn((count, net.latent), generator=generator).to(like) for _ in range(2))
    means = means if noisy else in_ball(means)
    parts = []
    for mean, noise in zip(means.split(DECODED), n.split(DECODED), strict=True):
        z = (mean + noise if noisy else mean)[:, None].expand(-1, net.classes, -1)
        mean = mean[:, None].expand_as(z)
        image = decoder(z)
        offset = cost(torch.zeros_like(image[:, 0]), image) + net.prior(
            z, mean, torch.zeros_like(z)
        )
        parts.append((image.flatten(2).transpose(0, 1), offset.T))
    images, offsets = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
    return Candidates(means, images, offsets)


def in_ball(z: Tensor) -> Tensor:
    """Latents [...,M], pulled back onto the sphere of `radius(M)` where they lie outside."""
    most = radius(z.shape[-1])
    return z * (most / z.norm(dim=-1, keepdim=True).clamp_min(most))


def radius(latent: int) -> float:
    """5 for up to the 8 dimensions of ABS' code; beyond them it grows as the norm of a draw of the
    prior does, of which a ball of 5 would hold few in 40 dimensions.
    """
    return float(RADIUS * max(1.0, latent / 8) ** 0.5)
