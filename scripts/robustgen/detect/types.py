"""What a kind of detector is handed and what it answers."""

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
