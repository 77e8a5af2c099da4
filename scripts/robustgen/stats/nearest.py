"""The distance of the closest adversarial image among several budgets of an attack, image by
image; and accuracy as a function of distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN
from robustgen.stats.bootstrap import percentiles, resamples
from robustgen.stats.cells import at_last_step

NAMES = ["model", "seed", "index"]


def closest(scores: pd.DataFrame, spec: dict[str, Any]) -> pd.DataFrame:
    """One row per model, seed, norm and test image: `distance` of the closest image that an attack
    in that norm found and on which at least half of the draws are wrong; 0 where the clean image
    is wrong already, inf where none was found. `most` is the largest budget that was tried.
    """
    test = at_last_step(scores[scores["split"] == "test"])
    clean = test[test["attack"] == CLEAN]
    parts = [
        _of_norm(test[test["attack"].isin(names)], clean, norm)
        for norm, names in _by_norm(spec).items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def summaries(found: pd.DataFrame) -> pd.DataFrame:
    """One row per model and norm: mean and median distance with bootstrap intervals, `n`, and
    `never`, the share of images for which no adversarial image was found. Those count with the
    largest budget, so that the mean is at least what is printed.
    """
    rows = [
        {"model": model, "norm": norm, **_summary(mine)}
        for (model, norm), mine in found.groupby(["model", "norm"], sort=False)
    ]
    return pd.DataFrame(rows)


def surviving(mine: pd.DataFrame, distances: np.ndarray) -> np.ndarray:
    """The share [d] of images without an adversarial one within each of some distances."""
    held = mine["distance"].to_numpy()[None, :] > distances[:, None]
    found: np.ndarray = held.mean(axis=1)
    return found


def _by_norm(spec: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, entry in spec["attacks"].items():
        found.setdefault(entry["norm"], []).append(name)
    return found


def _of_norm(attacked: pd.DataFrame, clean: pd.DataFrame, norm: str) -> pd.DataFrame:
    shown = attacked[NAMES].drop_duplicates()
    fooled = attacked[attacked["success"] >= 0.5].groupby(NAMES)[norm].min().rename("distance")
    rows = shown.merge(fooled.reset_index(), on=NAMES, how="left")
    wrong = clean[clean["success"] >= 0.5][NAMES].assign(wrong=True)
    rows = rows.merge(wrong, on=NAMES, how="left")
    rows["distance"] = rows["distance"].fillna(np.inf).mask(rows["wrong"].notna(), 0.0)
    finite = attacked["eps"][np.isfinite(attacked["eps"])]
    most = float(finite.max()) if len(finite) else float(attacked[norm].max())
    return rows.drop(columns="wrong").assign(norm=norm, most=most)


def _summary(mine: pd.DataFrame) -> dict[str, float]:
    distances = mine["distance"].to_numpy()
    counted = np.minimum(distances, mine["most"].to_numpy())
    return {
        "n": len(mine),
        "never": float(np.isinf(distances).mean()),
        **dict(_bootstrapped("mean", np.mean, counted)),
        **dict(_bootstrapped("median", np.median, counted)),
    }


def _bootstrapped(name: str, of: Any, values: np.ndarray) -> Iterator[tuple[str, float]]:
    (places,) = resamples((len(values),))
    drawn = _drawn(values, places, of)
    found = percentiles(float(of(values)), drawn)
    yield from ((name, found.value), (f"{name}_low", found.low), (f"{name}_high", found.high))


def _drawn(values: np.ndarray, counts: np.ndarray, of: Any) -> np.ndarray:
    """The statistic of each resample, given how often each value is drawn in it."""
    return np.array([of(np.repeat(values, row)) for row in counts.astype(int)])
