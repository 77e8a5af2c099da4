"""Augmentation of a batch on its device: flips and shifts, drawn on the CPU so that every device
sees the same.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def augment(x: Tensor, *, flip: bool, crop: int, generator: torch.Generator) -> Tensor:
    """Images [n,c,h,w], each mirrored with probability 1/2 and shifted by up to `crop` pixels with
    zeros outside.
    """
    if flip:
        mirrored = torch.rand(len(x), generator=generator).to(x.device) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    return (
        _shift(
            x, torch.randint(0, 2 * crop + 1, (2, len(x)), generator=generator).to(x.device), crop
        )
        if crop
        else x
    )


def _shift(x: Tensor, offsets: Tensor, crop: int) -> Tensor:
    n, c, h, w = x.shape
    padded = pad(x, (crop, crop, crop, crop))
    rows = (torch.arange(h, device=x.device) + offsets[0][:, None])[:, None, :, None]
    columns = (torch.arange(w, device=x.device) + offsets[1][:, None])[:, None, None, :]
    image = torch.arange(n, device=x.device)[:, None, None, None]
    return padded[image, torch.arange(c, device=x.device)[None, :, None, None], rows, columns]
