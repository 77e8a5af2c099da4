"""LID (Ma et al.

2018): local intrinsic dimensionality of each layer's activations, weighed by a logistic regression.

The sound protocol compares with one batch of training images; the paper's with the clean twins of
the very images that are judged, as the review did it, which no detector in use could do.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from robustgen.detect import supervised
from robustgen.detect.types import Fitted, Validation

ASKS = ("fit", "noise")
TAKES = ("fit", "noise")  # what it uses of an entry beside fpr and options
OPTIONS: dict[str, dict[str, object]] = {}  # those of the measure of the same name


def sound(validation: Validation, *, settings: dict[str, Any]) -> list[Fitted]:
    """One fit for all attacks, on distances to training images."""
    return supervised.once(
        validation, _columns(validation.clean, settings, r"lid_\d+"), settings=settings
    )


def paper(
    validation: Validation, attacked: pd.DataFrame, *, settings: dict[str, Any]
) -> list[Fitted]:
    """A fit per attack cell, on distances to the clean twins."""
    return supervised.each(validation, attacked, _columns(attacked, settings, r"lid_twin_\d+"))


def _columns(rows: pd.DataFrame, settings: dict[str, Any], pattern: str) -> list[str]:
    """The columns of all layers."""
    return [
        name
        for name in rows
        if re.fullmatch((rf"{re.escape(settings['name'])}\.{pattern}"), str(name))
    ]
