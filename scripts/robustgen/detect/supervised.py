"""Detectors that learn from attacks: a logistic regression on a few measures, clean and noisy
images against fooled ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import CELL
from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation

LEAST = 20  # fooled images, and as many clean ones, that a fit asks for


def once(
    validation: Validation, columns: Sequence[str], *, settings: dict[str, Any]
) -> list[Fitted]:
    """One fit for all attacks, on one of them and on half of the clean images; the threshold from
    the other half.
    """
    fit, noise = _asked(validation.fit, "fit"), _asked(validation.noise, "noise")
    half = validation.clean.iloc[::2]
    last = fit[fit["steps"] == fit["steps"].max()]
    statistic = _fitted(half, _of(last, half), _of(noise, half), columns)
    chosen = at_fpr(statistic(validation.clean.iloc[1::2]), settings["fpr"])
    return [Fitted("sound", "fpr", f"fitted on {settings['fit']}", chosen, statistic, "all")]


def each(validation: Validation, attacked: pd.DataFrame, columns: Sequence[str]) -> list[Fitted]:
    """A fit per attack cell on that very attack, flagged from probability 1/2 on; judged on fooled
    images alone.
    """
    noise = _asked(validation.noise, "noise")
    same = noise[noise["eps"] == attacked["eps"].iloc[0]]
    statistic = _fitted(validation.clean, attacked, same if len(same) else noise, columns)
    name = " ".join(
        f"{attacked[axis].iloc[0]}" for axis in CELL if axis not in ("dataset", "model", "seed")
    )
    return [Fitted("paper", "p = 1/2", f"fitted on {name}", 0.0, statistic, "successful")]


def _fitted(
    clean: pd.DataFrame, attacked: pd.DataFrame, noisy: pd.DataFrame, columns: Sequence[str]
) -> Any:
    """The log-odds of being attacked, as a function of score rows."""
    right = clean[~clean["success"]]
    fooled = attacked[attacked["success"] & attacked["index"].isin(right["index"])]
    if min(len(fooled), len(right)) < LEAST:
        raise Refused(
            f"Fewer than {LEAST} validation images that the net gets right are fooled by the "
            "attack, from which a detector could "
            "learn; attack harder, or raise datasets.*.evaluate.validation."
        )
    negative = pd.concat([right, noisy[noisy["index"].isin(right["index"])]])
    x = np.concatenate([_values(fooled, columns), _values(negative, columns)])
    y = np.repeat([True, False], [len(fooled), len(negative)])
    return partial(_log_odds, _regression(x, y), columns)


def _regression(x: np.ndarray, y: np.ndarray) -> Any:
    """A scaled logistic regression, its penalty by cross validation."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if not np.isfinite(x).all() or (x.std(axis=0) == 0).any():
        raise Refused(
            "A measure of the detector is constant or not finite on its validation images; there "
            "is nothing to learn from."
        )
    regression = LogisticRegressionCV(
        l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False, max_iter=1000
    )
    return make_pipeline(StandardScaler(), regression).fit(x, y)


def _log_odds(model: Any, columns: Sequence[str], rows: pd.DataFrame) -> np.ndarray:
    found: np.ndarray = model.decision_function(_values(rows, columns))
    return found


def _values(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    return rows[list(columns)].to_numpy(np.float64)


def _of(rows: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """The versions of these clean images, so that no image stands in both halves."""
    return rows[rows["index"].isin(clean["index"])]


def _asked(rows: pd.DataFrame | None, name: str) -> pd.DataFrame:
    if rows is None:
        raise Refused(f"The detector learns from attacks; name one in detectors.*.{name}.")
    return rows
