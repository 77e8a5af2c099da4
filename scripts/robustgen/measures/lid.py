"""Local intrinsic dimensionality (Ma et al.

2018) of points among clean ones: LID = -k / sum_i log(r_i / r_k), where r_1 <= ... <= r_k are the
distances to the k nearest.
"""

from __future__ import annotations

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.measures.density import squared_distances


def lid(x: Tensor, clean: Tensor, *, k: int, drop_nearest: bool = False) -> Tensor:
    """LID [n] of points [n,d] among clean ones [m,d]; differentiable, with the neighbours fixed."""
    if k + drop_nearest > len(clean):
        raise Refused(
            f"LID asks for {k + drop_nearest} neighbours, but its batch holds {len(clean)} "
            "clean images; lower k."
        )
    squared, _ = squared_distances(x, clean).double().topk(k + drop_nearest, largest=False)
    squared = squared[:, int(drop_nearest) :]
    total = 0.5 * (squared / squared[:, -1:]).log().sum(dim=1)
    found: Tensor = -k / total
    if not found.isfinite().all():
        bad = int((~found.isfinite()).sum())
        raise Refused(
            f"LID does not exist for {bad} of {len(found)} images: their distances to clean "
            "images are all equal."
        )
    return found


def lid_by_batches(x: Tensor, clean: Tensor, *, k: int, batch: int) -> Tensor:
    """LID [n] of images [n,d] among their clean versions [n,d], less the nearest, in batches of at
    least `batch` images where there are so many.
    """
    parts = max(1, len(x) // batch)
    pairs = zip(x.tensor_split(parts), clean.tensor_split(parts), strict=True)
    return torch.cat([lid(mine, theirs, k=k, drop_nearest=True) for mine, theirs in pairs])
