"""The likelihood detector: an image is flagged where a model finds it unlikely, E(x) >= t.

Scores of a generative classifier bound log p(x|k) up to a constant, so that E(x) = -log sum_k
exp(z_k) bounds -log p(x): other images lie high, where the energy detector of a plain net looks for
low values. That likelihoods may call images of another data set more likely than a model's own is
their known failure (Nalisnick et al. 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation

OPTIONS: dict[str, dict[str, object]] = {}


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One threshold on E(x), from clean images at a stated false positive rate."""
    chosen = at_fpr(_statistic(validation.clean), settings["fpr"])
    return [Fitted("sound", "fpr", "E(x)", chosen, _statistic, "all")]


def _statistic(rows: pd.DataFrame) -> np.ndarray:
    """E(x) of each row."""
    return rows["energy"].to_numpy(np.float64)
