"""What the decoders of a model of chapter 2 draw: samples per class, and reconstructions of test
images by every class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.abs.synthesis import Synthesis
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "image"
LOOKS_AT = ("reconstructions", "costs")
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "up_to": ("test",),
        "means": "Test images that are reconstructed, of different classes as far as they go.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 8,
        "means": "Samples that each class draws from the prior.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per reconstructed image; arrays `images` [m,c,h,w], `reconstructions` [m,K,c,h,w],
    `costs` [m,K] and `samples` [K,s,c,h,w].
    """
    if not isinstance(classifier, Synthesis):
        raise Refused("pictures_of_classes draws models of kind eabs or reinferred alone.")
    chosen = _different(images.labels, options["images"])
    x = images.tensors()[0][chosen]
    source = generator(context.seed(use="pictures"))
    classifier.reseed(source)
    with torch.no_grad():
        seen = classifier.look(x.to(context.device))
        samples = classifier.drawn(options["samples"], source)
    rows = {
        "index": images.index[chosen],
        "label": images.labels[chosen],
        "prediction": seen["scores"].argmax(dim=1).cpu().numpy(),
    }
    arrays = {"images": x, "samples": samples} | {name: seen[name] for name in LOOKS_AT}
    return Measured(
        pd.DataFrame(rows), {name: tensor.cpu().numpy() for name, tensor in arrays.items()}
    )


def _different(labels: np.ndarray, count: int) -> np.ndarray:
    """Places of the first image of each class in turn, then of the second ones, and so on."""
    rank = pd.Series(labels).groupby(labels).cumcount().to_numpy()
    found: np.ndarray = np.lexsort((labels, rank))[:count]
    return found
