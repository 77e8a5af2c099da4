"""Energy scores per image, in fp32."""

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
    """Logits [n,K] of images [n,c,h,w], batch by batch, on the CPU."""
    check_images(images)
    z = torch.cat([classifier(part.to(device)).float().cpu() for part in images.split(batch)])
    if not z.isfinite().all():
        bad = int((~z.isfinite()).any(dim=1).sum())
        raise Refused(
            f"The classifier gives infinite or NaN logits for {bad} of {len(z)} images; its "
            "energies mean nothing."
        )
    return z


def scores(z: Tensor, y: Tensor, *, temperatures: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The measured columns of a row: prediction, E(x), E(x,y), CE, margins, and E_T for each
    temperature.
    """
    columns = {
        "prediction": z.argmax(dim=1),
        **natural_columns(z),
        "energy_y": joint_energy(z, y),
        "ce": cross_entropy(z, y),
        "margin": margin(z, y),
    }
    columns |= {column(t): energy(z, t) for t in temperatures}
    return {name: value.numpy() for name, value in columns.items()}


def natural_columns(z: Tensor) -> dict[str, Tensor]:
    """What a detector sees of logits without knowing the label: E(x), the largest logit, and its
    lead over the second.
    """
    first, second = z.topk(2, dim=1).values.T
    return {"energy": energy(z), "max_logit": first, "top_margin": first - second}


def distances(x: Tensor, natural: Tensor) -> dict[str, np.ndarray]:
    """How far images [n,c,h,w] lie from the natural ones that they come from, in L_inf and L_2."""
    delta = (x - natural).flatten(1)
    return {"linf": delta.abs().amax(dim=1).numpy(), "l2": delta.norm(dim=1).numpy()}


def column(temperature: float) -> str:
    """Name of the column of E_T."""
    return f"energy_T{temperature:g}"
