"""Local intrinsic dimensionality (Ma et al.

2018) of an image's activations, layer by layer: LID = -k / sum_i log(r_i / r_k).

r_1 <= ... <= r_k are the distances to the k nearest of a batch of clean images. Two batches are
used: `lid_i` takes one fixed batch of training images; `lid_twin_i` takes the clean versions of the
very images that are looked at, less the nearest, as the literature evaluates it, which a detector
in use could not do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.measures.density import squared_distances
from robustgen.measures.types import Measure, Reference
from robustgen.nets.activations import Activations

K, BATCH = 20, 100
LOOKS_AT = ("layers", "pooled", "linear")  # what a net must show
OPTIONS = {
    "k": {
        "type": "whole number",
        "least": 2,
        "most": 199,
        "default": 20,
        "below_option": ("batch", "the nearest neighbour is dropped"),
        "below_each": ("validation", "test"),
        "means": "Neighbours among clean images that distances are taken to.",
    },
    "batch": {
        "type": "whole number",
        "least": 3,
        "default": 100,
        "up_to": ("reference",),
        "means": "Clean images among which they are looked for.",
    },
}


def prepare(
    model: nn.Sequential,
    reference: Reference,
    *,
    options: dict[str, Any],
    generator: torch.Generator,
) -> Measure:
    """The measure; `options.k` neighbours out of `options.batch` clean images."""
    del model, generator
    k, batch = options.get("k", K), options.get("batch", BATCH)
    fixed = reference.first(batch).layers

    def measure(seen: Activations, natural: Activations) -> dict[str, np.ndarray]:
        columns = {}
        for layer, (x, twins, known) in enumerate(
            zip(seen.layers, natural.layers, fixed, strict=True)
        ):
            columns[f"lid_{layer}"] = lid(x, known, k=k)
            columns[f"lid_twin_{layer}"] = _by_batches(x, twins, k, batch)
        return {name: value.cpu().numpy() for name, value in columns.items()}

    return measure


def lid(x: Tensor, clean: Tensor, *, k: int, drop_nearest: bool = False) -> Tensor:
    """LID [n] of points [n,d] among clean ones [m,d]."""
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


def _by_batches(x: Tensor, twins: Tensor, k: int, batch: int) -> Tensor:
    """LID among the clean twins, in batches of at least `batch` images where there are so many."""
    parts = max(1, len(x) // batch)
    pairs = zip(x.tensor_split(parts), twins.tensor_split(parts), strict=True)
    return torch.cat([lid(mine, clean, k=k, drop_nearest=True) for mine, clean in pairs])
