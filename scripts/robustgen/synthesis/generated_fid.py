"""FID and KID of the images that a net's gradients make, by task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustgen.data.store import Images
from robustgen.inversion.inversion_fid import seen
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.generated import AXES, TASKS
from robustgen.synthesis.sets_compared import compared
from robustgen.synthesis.synthesizer import synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "set"
KEYS = ("stage", "part")
MADE_FROM = ("generated",)
OPTIONS: dict[str, dict[str, object]] = {}


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Per task one row for each part of the starts and of the made images, against all test images:
    fid, kid, n, and which features they are of.
    """
    del options
    features = synthesizer(model).features
    real = seen(features, images.images, context)
    arrays, rows = context.given["generated"].arrays, []
    for stage, sets in (("start", arrays["starts"]), ("end", arrays["made"])):
        for task, made in zip(TASKS, sets, strict=True):
            found = compared(real, seen(features, made, context))
            rows += [{"task": task, "stage": stage, **one} for one in found]
    return Measured(pd.DataFrame(rows).assign(**features.facts()), axes=AXES)
