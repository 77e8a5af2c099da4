"""Paths of single images under an attack, in the plane of E(x) and E(x,y)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.attacks import pgd
from robustgen.attacks.types import Classifier, Spec
from robustgen.data.store import Images
from robustgen.measures.energy import energy, joint_energy
from robustgen.measures.scores import logits

# the step of the natural image; step 0 is where the attack starts, at random or at the natural
# image itself
NATURAL = -1


def paths(
    classifier: Classifier, x: Tensor, y: Tensor, *, spec: Spec, generator: torch.Generator
) -> dict[int, Tensor]:
    """Natural images under step -1, and the attack's own images after each of its steps 0, 1, ...,
    each [n,c,h,w].
    """
    found = pgd.snapshots(
        classifier, x, y, spec=spec, generator=generator, at=tuple(range(spec.steps + 1))
    )
    return {NATURAL: x} | {step: attacked.images for step, attacked in found.items()}


def path_rows(
    classifier: Classifier,
    steps: dict[int, Tensor],
    part: Images,
    *,
    batch: int,
    device: str,
    axes: dict[str, Any],
) -> pd.DataFrame:
    """One row per image and step: E(x), E(x,y) and the class that is predicted."""
    y = torch.from_numpy(part.labels)
    frames = []
    for step, x in steps.items():
        z = logits(classifier, x, batch=batch, device=device)
        seen = {"energy": energy(z), "energy_y": joint_energy(z, y), "prediction": z.argmax(dim=1)}
        columns: dict[str, np.ndarray] = {"index": part.index, "label": part.labels}
        columns |= {name: value.numpy() for name, value in seen.items()}
        rows = pd.DataFrame(axes | columns)
        rows.insert(rows.columns.get_loc("label") + 1, "step", step)
        frames.append(rows)
    return pd.concat(frames, ignore_index=True)
