"""What a pass over one image costs a classifier in passes of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch

from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "set"
LOOKS_AT = ("scores",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "up_to": ("test",),
        "means": "Clean test images that are counted on.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row: `forwards` and `backwards` per image, and the number of images."""
    x = images.tensors()[0][: options["images"]].to(context.device)
    before = classifier.passes.copy()
    with torch.no_grad():
        classifier(x)
    spent = classifier.passes - before
    row = {"forwards": spent.forwards / len(x), "backwards": spent.backwards / len(x)}
    return Measured(pd.DataFrame([{**row, "images": len(x)}]))
