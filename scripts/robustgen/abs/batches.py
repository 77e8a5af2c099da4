"""The batches of an epoch: any images, or one of each class per row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from robustgen.core.refusal import Refused


def mixed(labels: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
    """Indices [m] of all images in a fresh order, in whole batches of `size` at most; a rest is
    left out of this epoch.
    """
    order = torch.randperm(len(labels), generator=generator)
    return _whole(order.to(labels.device), size)


def balanced(
    labels: Tensor, size: int, names: Sequence[str], generator: torch.Generator
) -> list[Tensor]:
    """Indices [r,K] of about `size` images, an image of class k in column k. An epoch has as many
    images as there are; small classes are shown repeatedly.
    """
    rows = max(1, len(labels) // len(names))
    columns = []
    for k, name in enumerate(names):
        mine = (labels.cpu() == k).nonzero()[:, 0]
        if not len(mine):
            raise Refused(f"No training image is of class {name}; its autoencoder needs some.")
        orders = [
            mine[torch.randperm(len(mine), generator=generator)]
            for _ in range(-(-rows // len(mine)))
        ]
        columns.append(torch.cat(orders)[:rows])
    return _whole(torch.stack(columns, dim=1).to(labels.device), max(2, size // len(names)))


def _whole(order: Tensor, size: int) -> list[Tensor]:
    parts = list(order.split(min(size, len(order))))
    return parts[:-1] if len(parts[-1]) < len(parts[0]) else parts
