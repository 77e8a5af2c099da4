"""Input gradients of a model (figure 4): three columns per clean test image, and pictures of a few.

Arrays: `images` uint8 [m,c,h,w], `gradients` float32 [m,c,h,w], `labels` and `index` [m] of the
images that are shown, and `names`, the names of the classes as JSON in bytes (uint8).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import Images, to_float
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.alignment import edge_agreement, low_frequency_share, total_variation
from robustgen.synthesis.directions import directions, vanished
from robustgen.synthesis.first import first

ON = "model"
PASSES = 3  # per image, in forward passes: forward and backward
UNIT = "image"
KEYS: tuple[str, ...] = ()
LOOKS_AT = ("scores",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": None,
        "up_to": ("test",),
        "means": "Test images whose gradients are measured; all that are evaluated if left out.",
    },
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Images whose gradients are kept as pictures.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: dict[str, Any], context: Context
) -> Measured:
    """Rows of the images that have a gradient, and pictures of those that are shown."""
    part = first(images, options["images"])
    g = gradients(classifier, part, batch=context.batch, device=context.device)
    return Measured(rows(part, g), pictures(part, g, shown=options["shown"]))


def gradients(classifier: Classifier, part: Images, *, batch: int, device: str) -> Tensor:
    """The input gradients [n,c,h,w] of images, each up to a positive factor, batch by batch, on
    the CPU.
    """
    spans = [slice(start, start + batch) for start in range(0, len(part), batch)]
    x = (to_float(torch.from_numpy(part.images[span])).to(device) for span in spans)
    y = (torch.from_numpy(part.labels[span]).to(device) for span in spans)
    return torch.cat([directions(classifier, *pair).cpu() for pair in zip(x, y, strict=True)])


def rows(part: Images, g: Tensor) -> pd.DataFrame:
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
    return pd.DataFrame(columns)


def pictures(part: Images, g: Tensor, *, shown: int) -> dict[str, np.ndarray]:
    """Images, gradients and labels of the images that are shown, the same for every model of the
    data set, and the names of the classes.
    """
    places = chosen(part.labels, shown)
    return {
        "images": part.images[places],
        "gradients": g.numpy()[places].astype(np.float32),
        "labels": part.labels[places],
        "index": part.index[places],
        "names": np.frombuffer(json.dumps(part.names).encode(), np.uint8),
    }


def chosen(labels: np.ndarray, shown: int) -> np.ndarray:
    """Places of the first image of each class in order, then of the second of each, until there are
    `shown`.
    """
    turn = pd.Series(labels).groupby(labels).cumcount()
    return np.lexsort((labels, turn))[:shown]
