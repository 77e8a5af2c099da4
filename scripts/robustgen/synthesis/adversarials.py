"""A few test images and what attacks make of them, for pictures: figures 2.3 to 2.8 of An Ju's
thesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch

from robustgen.core.rows import axes_of, joined, with_axes
from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.first import first
from robustgen.synthesis.paths import walk, walked

ON = "model"
UNIT = "image"
LOOKS_AT = ("scores",)
OPTIONS = {
    "attacks": {
        "type": "attack",
        "several": True,
        "different": True,
        "means": "Attacks that are shown, of a kind that is known step by step.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "up_to": ("test",),
        "means": "Test images that are shown.",
    },
}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per attack and image, with its class and the predicted one; arrays `clean`
    [m,c,h,w] and one of attacked images per attack.
    """
    part, frames = first(images, options["images"]), []
    arrays = {"clean": part.tensors()[0]}
    for name in options["attacks"]:
        of = walk(name, context.attacks[name])
        last = of.spec.steps
        arrays[name] = walked(classifier, part, of, at=(last,), context=context)[last]
        with torch.no_grad():
            prediction = classifier(arrays[name].to(context.device)).argmax(dim=1).cpu().numpy()
        rows = {"attack": name, **of.axes, "index": part.index, "label": part.labels}
        frames.append(with_axes(pd.DataFrame({**rows, "prediction": prediction}), of.axes))
    found = joined(frames)
    return Measured(
        found,
        {name: tensor.numpy() for name, tensor in arrays.items()},
        axes=tuple(axes_of(found)),
    )
