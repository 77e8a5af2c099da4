"""Detectors that learn from attacks: a logistic regression on a few measures, clean and noisy
images against fooled ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of
from robustgen.detect.thresholds import at_fpr
from robustgen.detect.types import Fitted, Validation

LEAST = 20  # fooled images, and as many clean ones, that a fit asks for


@dataclass(frozen=True)
class LogOdds:
    """The log-odds of being attacked: a logistic regression on scaled columns of rows."""

    model: Any  # scikit-learn's, scaler first
    columns: tuple[str, ...]

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        """The log-odds [n] of rows."""
        found: np.ndarray = self.model.decision_function(_values(rows, self.columns))
        return found

    def linear(self) -> tuple[np.ndarray, float]:
        """Weights w [d] and bias b by which the log-odds are w x + b of unscaled columns x."""
        scaler, regression = (step for _, step in self.model.steps)
        weights = np.ravel(regression.coef_) / scaler.scale_
        return weights, float(np.ravel(regression.intercept_)[0] - weights @ scaler.mean_)


def once(
    validation: Validation, columns: Sequence[str], *, settings: dict[str, Any]
) -> list[Fitted]:
    """One fit for all attacks, on one of them and on half of the clean images; the threshold from
    the other half.
    """
    _check(settings)
    fit, noise = validation.others["fit"], validation.others["noise"]
    half = validation.clean.iloc[::2]
    statistic = _fitted(half, _of(_longest(fit), half), _of(noise, half), columns)
    chosen = at_fpr(statistic(validation.clean.iloc[1::2]), settings["fpr"])
    variant = f"fitted on {settings['options']['fit']}"
    return [Fitted("sound", "fpr", variant, chosen, statistic, "all")]


def each(validation: Validation, attacked: pd.DataFrame, columns: Sequence[str]) -> list[Fitted]:
    """A fit per attack cell on that very attack, flagged from probability 1/2 on; judged on fooled
    images alone.
    """
    noise = _as_large(validation.others["noise"], attacked)
    statistic = _fitted(validation.clean, attacked, noise, columns)
    cell = [attacked[name].iloc[0] for name in ("attack", *axes_of(attacked))]
    variant = f"fitted on {' '.join(map(str, cell))}"
    return [Fitted("paper", "p = 1/2", variant, 0.0, statistic, "successful")]


def _check(settings: dict[str, Any]) -> None:
    """Refuse a detector that is to flag the very images that it is to let pass."""
    options = settings["options"]
    if options["fit"] == options["noise"]:
        raise Refused(
            f"Options fit and noise of the detector {settings['name']} both name "
            f"{options['fit']}; noise must name images that are to pass, such as Gaussian noise."
        )


def _longest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the attack's largest step count, where it sweeps steps."""
    if "steps" not in axes_of(rows):
        return rows
    return rows[rows["steps"] == rows["steps"].max()]


def _as_large(noise: pd.DataFrame, attacked: pd.DataFrame) -> pd.DataFrame:
    """The noise of the attack's own budget; all of it where there is none of that."""
    if "eps" not in axes_of(noise) or "eps" not in axes_of(attacked):
        return noise
    same = noise[noise["eps"] == attacked["eps"].iloc[0]]
    return same if len(same) else noise


def _fitted(
    clean: pd.DataFrame, attacked: pd.DataFrame, noisy: pd.DataFrame, columns: Sequence[str]
) -> LogOdds:
    """The log-odds of being attacked, fitted on clean images that the net gets right, on their
    noisy versions, and on those attacked versions that fool it.
    """
    right = clean[clean["success"] < 0.5]
    fooled = _of(attacked[attacked["success"] >= 0.5], right)
    if min(len(fooled), len(right)) < LEAST:
        raise Refused(
            f"Fewer than {LEAST} validation images that the net gets right are fooled by the "
            "attack, from which a detector could learn; attack harder, or raise "
            "datasets.*.evaluate.validation."
        )
    negative = pd.concat([right, _of(noisy, right)])
    x = np.concatenate([_values(fooled, columns), _values(negative, columns)])
    y = np.repeat([True, False], [len(fooled), len(negative)])
    return LogOdds(_regression(x, y), tuple(columns))


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


def _values(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    return rows[list(columns)].to_numpy(np.float64)


def _of(rows: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """The versions of these clean images, so that no image stands in both halves."""
    return rows[rows["index"].isin(clean["index"])]
