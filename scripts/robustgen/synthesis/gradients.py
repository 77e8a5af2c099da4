"""One job of input gradients (figure 4): three measures per test image, and pictures of a few."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import Images, read_split, to_float
from robustgen.nets import device
from robustgen.nets.ready import ready
from robustgen.synthesis.alignment import edge_agreement, low_frequency_share, total_variation
from robustgen.synthesis.directions import directions, vanished

SPLIT = "test"


@dataclass(frozen=True)
class GradientJob:
    """The settings of the command of the same name."""

    dataset: str
    model: str
    data: Path
    net: dict[str, Any]
    weights: Path
    seed: int
    images: int
    shown: int
    device: str
    threads: int
    batch: int
    out: Path
    pictures: Path


def run(job: GradientJob) -> tuple[pd.DataFrame, dict[str, np.ndarray], tuple[str, ...]]:
    """Rows of the images that have a gradient, the pictures of those that are shown, and the names
    of the classes.
    """
    place = device.use(device=job.device, threads=job.threads)
    part = read_split(job.data, SPLIT, job.images)
    model = ready(job.weights, job.net, part, device=place)
    found = gradients(model, part, batch=job.batch, device=place)
    axes = {"dataset": job.dataset, "model": job.model, "seed": job.seed, "split": SPLIT}
    return measured(part, found, axes), pictures(part, found, shown=job.shown), part.names


def gradients(model: torch.nn.Module, part: Images, *, batch: int, device: str) -> Tensor:
    """The input gradients [n,c,h,w] of a split, each up to a positive factor, batch by batch, on
    the CPU.
    """
    spans = [slice(start, start + batch) for start in range(0, len(part), batch)]
    x = (to_float(torch.from_numpy(part.images[span])).to(device) for span in spans)
    y = (torch.from_numpy(part.labels[span]).to(device) for span in spans)
    return torch.cat([directions(model, *pair).cpu() for pair in zip(x, y, strict=True)])


def measured(part: Images, g: Tensor, axes: dict[str, Any]) -> pd.DataFrame:
    """One row per image with a gradient; `left_out` says in every row how many images had none."""
    there = ~vanished(g)
    if not there.any():
        raise Refused(
            "Every input gradient is zero in every pixel; train the classifier again, or ask "
            "for more images."
        )
    g, x, keep = g[there], part.tensors()[0][there], there.numpy()
    columns = {
        "index": part.index[keep],
        "label": part.labels[keep],
        "left_out": int((~there).sum()),
        "total_variation": total_variation(g).numpy(),
        "low_frequency": low_frequency_share(g).numpy(),
        "edge_agreement": edge_agreement(g, x).numpy(),
    }
    return pd.DataFrame(axes | columns)


def pictures(part: Images, g: Tensor, *, shown: int) -> dict[str, np.ndarray]:
    """Images (bytes), gradients and labels of the images that are shown, the same for every model
    of the data set.
    """
    places = chosen(part.labels, shown)
    return {
        "images": part.images[places],
        "gradients": g.numpy()[places].astype(np.float32),
        "labels": part.labels[places],
        "index": part.index[places],
    }


def chosen(labels: np.ndarray, shown: int) -> np.ndarray:
    """Places of the first image of each class in order, then of the second of each, until there are
    `shown`.
    """
    turn = pd.Series(labels).groupby(labels).cumcount()
    return np.lexsort((labels, turn))[:shown]
