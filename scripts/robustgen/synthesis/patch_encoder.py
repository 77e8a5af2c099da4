"""The patch encoder P of MAGIC (Rouhsedaghat et al. 2023): from the patch around a pixel to whether
it lies on the object, learnt from one image and its mask alone.

It sees 9 x 9 pixels, so that it knows what the object is made of and not where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import Adam

from robustgen.synthesis.per_source import Layer, PerSource

BETAS = (0.5, 0.999)


def patch_encoder(channels: int, width: int, generators: Sequence[torch.Generator]) -> PerSource:
    """The untrained networks: images [r,S,c,h,w] -> logits [r,S,1,h,w], above 0 on the object."""
    layers = [Layer(width), Layer(width), Layer(width), Layer(1)]
    return PerSource(layers, channels=channels, generators=generators)


def learnt(encoder: PerSource, v: Tensor, masks: Tensor, *, steps: int, lr: float) -> PerSource:
    """The networks after `steps` of Adam on the cross entropy of images v [S,c,h,w] and their masks
    [S,h,w]; the loss is a sum over sources, so that none has a part in another's network.
    """
    optimizer, wanted = Adam(encoder.parameters(), lr=lr, betas=BETAS), masks.float()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        mask_loss(encoder(v[None])[0], wanted).sum().backward()
        optimizer.step()
    return encoder.requires_grad_(False)


def mask_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """The mean binary cross entropy [...] of logits [...,1,h,w] and masks [...,h,w]."""
    wanted = masks.to(logits.dtype).expand(logits.squeeze(-3).shape)
    each = binary_cross_entropy_with_logits(logits.squeeze(-3), wanted, reduction="none")
    return each.mean(dim=(-2, -1))
