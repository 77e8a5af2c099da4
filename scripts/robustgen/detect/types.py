"""What a kind of detector is handed and what it answers.

sound(validation, *, settings) -> [Fitted]
    One statistic and threshold for all attacks. `settings` are name, kind, fpr and options, all of
    them.
paper(validation, attacked, *, settings) -> [Fitted]
    One per cell of an attack, from validation images of that very cell; where the kind has it.
measure(classifier, reference, *, options, generator) -> PerImage
    Columns `<name>.<column>` of the rows, where the kind looks into a net; robustgen.measures.types
    says what such a module declares.
columns(classifier, reference, *, options, generator) -> (look -> {column: tensor})
    The same columns as tensors that can be differentiated, for attacks that know the detector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

# score rows -> [n], higher where an image looks attacked
Statistic = Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Validation:
    """Score rows of validation images: clean ones, and those of the attacks that options name."""

    clean: pd.DataFrame
    others: dict[str, pd.DataFrame] = field(default_factory=dict)  # by the option's name


@dataclass(frozen=True)
class Fitted:
    """One statistic with one threshold, and by which protocol and rule it came about."""

    protocol: str  # sound: one for all attacks; paper: one per attack cell, from that very attack
    rule: str
    variant: str  # names the statistic; equal variants of a detector give equal numbers
    threshold: float
    statistic: Statistic
    # the view in which it stands for its protocol in table 1; empty where another rule does
    shown: str = ""
