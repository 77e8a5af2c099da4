"""The energy detector (eq.

9): an image is flagged where E_T(x) <= t, that is where the statistic -E_T reaches -t.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.detect import thresholds
from robustgen.detect.rates import auroc
from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation
from robustgen.measures.density import log_sum_exp

RULES = {"youden": thresholds.youden, "gmean": thresholds.gmean}
OPTIONS = {
    "temperatures": {
        "type": "number",
        "several": True,
        "different": True,
        "above": 0,
        "default": (1.0,),
        "means": "Temperatures T of the energy E_T, of which the paper's protocol takes the best.",
    },
}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One threshold at T = 1, from clean images at a stated false positive rate."""
    statistic = partial(_statistic, temperature=1.0)
    chosen = at_fpr(statistic(validation.clean), settings["fpr"])
    return [Fitted("sound", "fpr", _variant(1.0), chosen, statistic, "all")]


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """Thresholds chosen on that very attack, at T = 1 and at the T of best validation AUC, by the
    code's rule and the text's.
    """
    clean, tried = validation.clean, settings["options"]["temperatures"]
    statistics = {t: partial(_statistic, temperature=t) for t in {1.0, *tried}}
    best = max(tried, key=lambda t: auroc(statistics[t](attacked), statistics[t](clean)))
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
    """-E_T = T log sum_k exp(z_k / T) of each row, in float64; at T = 1 the column `energy`."""
    if temperature == 1:
        return -rows["energy"].to_numpy(np.float64)
    columns = [name for name in rows if re.fullmatch(r"z_\d+", str(name))]
    if not columns:
        raise Refused(
            f"The rows hold no scores z_0, z_1, ..., from which the energy at T = {temperature:g} "
            "is computed; score the images again."
        )
    z = rows[columns].to_numpy(np.float64)
    found: np.ndarray = temperature * log_sum_exp(z / temperature)
    return found


def _variant(temperature: float) -> str:
    return f"T = {temperature:g}"
