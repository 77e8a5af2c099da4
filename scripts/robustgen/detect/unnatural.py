"""Detectors of what is unlike natural images: a statistic fitted on some of them, a threshold from
the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation
from robustgen.measures.natural import NAMES, STATISTICS, Columns, halves

TAKES: tuple[str, ...] = ()  # it uses nothing of an entry beside fpr and options
OPTIONS = {
    "statistic": {
        "one_of": ("two_sided", "one_class"),
        "default": "two_sided",
        "means": (
            "two_sided: energies on either side; one_class: a density of energy, largest logit "
            "and margin."
        ),
    },
}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """`options.statistic`: two_sided, |E(x) - median| by side; one_class, a density of (E(x), max
    logit, margin).
    """
    name = settings["options"].get("statistic", "two_sided")
    if name not in STATISTICS:
        raise Refused(
            f"There is no statistic {name!r} of natural images; choose one of "
            f"{', '.join(STATISTICS)}."
        )
    for_fit, for_threshold = halves(_columns(validation.clean))
    statistic = STATISTICS[name].fit(for_fit)
    chosen = at_fpr(statistic(for_threshold), settings["fpr"])
    return [Fitted("sound", "fpr", name, chosen, lambda rows: statistic(_columns(rows)), "all")]


def _columns(rows: pd.DataFrame) -> Columns:
    return {name: rows[name].to_numpy(np.float64) for name in NAMES}
