"""The distance below which no perturbation in L2 can change the class, if inference is exact.

The thesis' eq. 2.7 with its two slips corrected (a squared norm in the denominator; arg min for the
minimum over k != y): eps* = min_k (d_k^2 - l_y) / (2 d_k + 2 ||x - G_y(z*)||), where d_k is the
distance of x from what class k can reconstruct. Inference finds upper bounds of d_k and l_y alone,
so that this is an estimate and no certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core.seeds import generator
from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "image"
LOOKS_AT = ("scores", "costs")
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 100,
        "up_to": ("test",),
        "means": "Clean test images that are looked at.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per image: `index`, `label`, `prediction` and `bound`, 0 where another class explains
    the image better.
    """
    count = options["images"]
    x, y = (part[:count] for part in images.tensors())
    classifier.reseed(generator(context.seed(use="bound")))
    with torch.no_grad():
        looks = [classifier.look(part.to(context.device)) for part in x.split(context.batch)]
    scores, costs = (torch.cat([look[name] for look in looks]).cpu().numpy() for name in LOOKS_AT)
    rows = {
        "index": images.index[:count],
        "label": y.numpy(),
        "prediction": scores.argmax(axis=1),
        "bound": bound(-scores, np.sqrt(costs), y.numpy()),
    }
    return Measured(pd.DataFrame(rows))


def bound(l: np.ndarray, d: np.ndarray, y: np.ndarray) -> np.ndarray:  # noqa: E741
    """eps* [n] of estimates l [n,K], distances d [n,K] and classes y [n]; at least 0."""
    rows = np.arange(len(y))
    own_l, own_d = l[rows, y][:, None], d[rows, y][:, None]
    each = (d**2 - own_l) / np.maximum(2 * d + 2 * own_d, 1e-12)
    each[rows, y] = np.inf
    found: np.ndarray = np.maximum(each.min(axis=1), 0)
    return found
