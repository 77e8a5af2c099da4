"""The energy detector (eq. 9): an image is flagged where E_T(x) <= t, that is where the statistic -E_T reaches -t."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CELL
from robustgen.detect import thresholds
from robustgen.detect.rates import auroc
from robustgen.detect.thresholds import at_fpr

RULES = {"youden": thresholds.youden, "gmean": thresholds.gmean}
KEEP = [*CELL, "index", "label", "success"]


@dataclass(frozen=True)
class Choice:
    """One threshold: by which protocol, rule and temperature it came about."""

    protocol: str  # sound: one for all attacks, from clean images; paper: one per attack cell, from that very attack
    rule: str
    temperature: float
    searched: bool  # whether the temperature was chosen by validation AUC
    threshold: float


def detect(clean: pd.DataFrame, attacked: pd.DataFrame, *, settings: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(statistics of test images, thresholds per attack cell) from score rows of validation and test images."""
    statistics, found = [], []
    for cell, rows in attacked.groupby(list(CELL), sort=True):
        axes = dict(zip(CELL, cell, strict=True))
        choices = _choices(_split(clean, "validation"), _split(rows, "validation"), settings)
        found += [{**axes, **vars(choice)} for choice in choices]
        for temperature in sorted({choice.temperature for choice in choices}):
            statistics.append(_statistics(_split(rows, "test"), temperature))
    temperatures = sorted({row["temperature"] for row in found})
    statistics += [_statistics(_split(clean, "test"), temperature) for temperature in temperatures]
    return pd.concat(statistics, ignore_index=True), pd.DataFrame(found)


def _choices(clean: pd.DataFrame, attacked: pd.DataFrame, settings: dict[str, Any]) -> list[Choice]:
    """The headline threshold, and those of the paper's protocol at T = 1 and at the T of best validation AUC."""
    searched = max(settings["temperatures"], key=lambda t: auroc(_statistic(attacked, t), _statistic(clean, t)))
    headline = Choice("sound", "fpr", 1.0, False, at_fpr(_statistic(clean, 1.0), settings["fpr"]))
    return [headline] + [
        Choice("paper", name, temperature, flag, rule(_statistic(attacked, temperature), _statistic(clean, temperature)))
        for name, rule in RULES.items()
        for temperature, flag in ((1.0, False), (searched, True))
    ]


def _statistic(rows: pd.DataFrame, temperature: float) -> np.ndarray:
    """-E_T of each row."""
    name = "energy" if temperature == 1 else f"energy_T{temperature:g}"
    if name not in rows:
        raise Refused(f"The scores hold no column {name}; every temperature of the detector must be scored.")
    return -rows[name].to_numpy(np.float64)


def _statistics(rows: pd.DataFrame, temperature: float) -> pd.DataFrame:
    return rows[KEEP].assign(temperature=temperature, statistic=_statistic(rows, temperature))


def _split(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows["split"] == name]
