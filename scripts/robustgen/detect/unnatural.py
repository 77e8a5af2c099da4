"""Detectors of what is unlike clean images: a statistic fitted on some of them, a threshold from
the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation
from robustgen.measures.natural import NAMES, STATISTICS, Columns, halves

OPTIONS = {
    "statistic": {
        "one_of": ("two_sided", "one_class"),
        "default": "two_sided",
        "means": (
            "two_sided: |E(x) - median| by side; one_class: a density of energy, largest score "
            "and margin."
        ),
    },
}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """`options.statistic` of clean images, and a threshold at a stated false positive rate."""
    name = settings["options"]["statistic"]
    for_fit, for_threshold = halves(_columns(validation.clean))
    statistic = STATISTICS[name].fit(for_fit)
    chosen = at_fpr(statistic(for_threshold), settings["fpr"])
    return [Fitted("sound", "fpr", name, chosen, lambda rows: statistic(_columns(rows)), "all")]


def _columns(rows: pd.DataFrame) -> Columns:
    return {name: rows[name].to_numpy(np.float64) for name in NAMES}
