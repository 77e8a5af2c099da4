"""How far two masks agree."""

from __future__ import annotations

import torch
from torch import Tensor


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union [...] of masks [...,h,w]; 1 where both are empty."""
    a, b = a.bool().flatten(-2), b.bool().flatten(-2)
    both, either = (a & b).sum(dim=-1), (a | b).sum(dim=-1)
    return torch.where(either > 0, both / either.clamp_min(1), 1.0)
