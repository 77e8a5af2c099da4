"""Score columns per image, in fp32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.measures.energy import cross_entropy, energy, joint_energy, margin


@torch.no_grad()
def logits(
    classifier: Callable[[Tensor], Tensor], images: Tensor, *, batch: int, device: str
) -> Tensor:
    """Scores [n,K] of images [n,c,h,w], batch by batch, on the CPU."""
    check_images(images)
    z = torch.cat([classifier(part.to(device)).float().cpu() for part in images.split(batch)])
    if not z.isfinite().all():
        bad = int((~z.isfinite()).any(dim=1).sum())
        raise Refused(
            f"The classifier gives infinite or NaN logits for {bad} of {len(z)} images; its "
            "energies mean nothing."
        )
    return z


def scores(z: Tensor, y: Tensor) -> dict[str, np.ndarray]:
    """The columns of scores z [n,K] and labels y [n]: prediction, E(x), E(x,y), CE, margins, z."""
    columns = {
        "prediction": z.argmax(dim=1),
        **label_free(z),
        "energy_y": joint_energy(z, y),
        "ce": cross_entropy(z, y),
        "margin": margin(z, y),
        **{f"z_{k}": z[:, k] for k in range(z.shape[1])},
    }
    return {name: value.numpy() for name, value in columns.items()}


def label_free(z: Tensor) -> dict[str, Tensor]:
    """What the scores show without the label: E(x), the largest one, its lead over the second."""
    first, second = z.topk(2, dim=1).values.T
    return {"energy": energy(z), "max_logit": first, "top_margin": first - second}


def distances(x: Tensor, clean: Tensor) -> dict[str, np.ndarray]:
    """How far images [n,c,h,w] lie from the clean ones that they come from, in L_inf and L_2."""
    delta = (x - clean).flatten(1)
    return {"linf": delta.abs().amax(dim=1).numpy(), "l2": delta.norm(dim=1).numpy()}
