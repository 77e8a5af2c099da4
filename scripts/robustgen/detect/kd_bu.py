"""KD+BU (Feinman et al.

2017): kernel density and Bayesian uncertainty, weighed by a logistic regression.

Against the review that the paper quotes: scaled by the fitting images alone, and only dropout is
random when BU is measured.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.detect import supervised
from robustgen.detect.types import Fitted, Validation

ASKS = ("fit", "noise")
TAKES = ("fit", "noise")  # what it uses of an entry beside fpr and options
OPTIONS: dict[str, dict[str, object]] = {}  # those of the measure of the same name
MEASURES = ("kd", "bu")


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One fit for all attacks."""
    return supervised.once(validation, _columns(settings), settings=settings)


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """A fit per attack cell, as the review did it."""
    return supervised.each(validation, attacked, _columns(settings))


def _columns(settings: dict[str, Any]) -> list[str]:
    return [f"{settings['name']}.{measure}" for measure in MEASURES]
