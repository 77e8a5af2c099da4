"""The energy detector (eq.

9): an image is flagged where E_T(x) <= t, that is where the statistic -E_T reaches -t.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.detect import thresholds
from robustgen.detect.rates import auroc
from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation

RULES = {"youden": thresholds.youden, "gmean": thresholds.gmean}
TAKES = ("temperatures",)  # what it uses of an entry beside fpr and options
OPTIONS: dict[str, dict[str, object]] = {}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One threshold at T = 1, from clean images at a stated false positive rate."""
    chosen = at_fpr(_statistic(validation.clean, temperature=1.0), settings["fpr"])
    return [
        Fitted("sound", "fpr", _variant(1.0), chosen, partial(_statistic, temperature=1.0), "all")
    ]


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """Thresholds chosen on that very attack, at T = 1 and at the T of best validation AUC, by the
    code's rule and the text's.
    """
    clean = validation.clean
    statistics = {t: partial(_statistic, temperature=t) for t in {1.0, *settings["temperatures"]}}
    best = max(
        settings["temperatures"], key=lambda t: auroc(statistics[t](attacked), statistics[t](clean))
    )
    return [
        Fitted(
            protocol="paper",
            rule=f"{name}, best T" if searched else name,
            variant=_variant(t),
            threshold=rule(statistics[t](attacked), statistics[t](clean)),
            statistic=statistics[t],
            shown="all" if searched and name == "youden" else "",
        )
        for name, rule in RULES.items()
        for t, searched in ((1.0, False), (best, True))
    ]


def _statistic(rows: pd.DataFrame, *, temperature: float) -> np.ndarray:
    """-E_T of each row."""
    name = "energy" if temperature == 1 else f"energy_T{temperature:g}"
    if name not in rows:
        raise Refused(
            f"The scores hold no column {name}; every temperature of the detector must be scored."
        )
    return -rows[name].to_numpy(np.float64)


def _variant(temperature: float) -> str:
    return f"T = {temperature:g}"
