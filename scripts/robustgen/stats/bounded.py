"""Which images a model still has right when perturbations are bounded, attack by attack and under
the worst of all; and tests of pairs of models on the same images.

An attack that looks for the nearest adversarial image has broken an image at a budget if what it
found lies within it. A model that draws random numbers is judged on several fresh draws: an image
counts with the share of draws that are wrong, and in tests of pairs as wrong where at least half
of the draws are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import isinf
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of
from robustgen.stats.cells import at_last_step
from robustgen.stats.holm import holm
from robustgen.stats.intervals import Interval, over_seeds, share

ALL = "all"  # per image the worst of a norm's attacks
EVERY = "all of both norms"
IMAGE = ["seed", "index"]
SLACK = 1e-5  # of a distance, for images are kept in fp32

Shares = dict[str, pd.Series]  # attack -> share of wrong draws, by seed and index


@dataclass(frozen=True)
class Block:
    """The attacks of one norm at one budget on one data set; norm and eps are empty for clean
    images.
    """

    norm: str
    eps: float
    models: dict[str, Shares]


def blocks(scores: pd.DataFrame, spec: dict[str, Any]) -> Iterator[Block]:
    """Clean images; then per norm and budget each attack and the worst of all; then, where each
    norm has one budget, the worst of both.
    """
    test = at_last_step(scores[scores["split"] == "test"])
    parts = {model: test[test["model"] == model] for model in spec["models"]}
    clean = {model: _shares(rows[rows["attack"] == CLEAN]) for model, rows in parts.items()}
    clean = {model: wrong for model, wrong in clean.items() if len(wrong)}
    yield Block("", 0.0, {model: {CLEAN: wrong} for model, wrong in clean.items()})
    found = list(_attacked({model: parts[model] for model in clean}, clean, spec))
    yield from found
    if [block.norm for block in found] == ["linf", "l2"]:
        yield Block("both", np.nan, _both(found))


def accuracies(scores: pd.DataFrame, spec: dict[str, Any]) -> pd.DataFrame:
    """One row per model, norm, budget and attack: `accuracy` with bounds, and `n` images."""
    rows = [
        {
            "dataset": spec["models"][model]["dataset"],
            "model": model,
            "norm": block.norm,
            "eps": block.eps,
            "attack": attack,
            "n": len(wrong),
            **_bounds(_accuracy(wrong)),
        }
        for block in blocks(scores, spec)
        for model, shares in block.models.items()
        for attack, wrong in shares.items()
    ]
    return pd.DataFrame(rows)


def pairs(block: Block) -> pd.DataFrame:
    """McNemar's exact test of each pair of models under the worst attack of a block: `first_alone`
    and `second_alone` images that one of them alone has right, `p`, and `p_holm` over the pairs.
    """
    name = CLEAN if not block.norm else ALL if block.norm != "both" else EVERY
    wrong = {model: shares[name] >= 0.5 for model, shares in block.models.items()}
    rows = [
        {"first": first, "second": second, **mcnemar(wrong[first], wrong[second])}
        for first, second in combinations(wrong, 2)
    ]
    found = pd.DataFrame(rows, columns=["first", "second", "n", "first_alone", "second_alone", "p"])
    return found.assign(p_holm=holm(list(found["p"])))


def mcnemar(first: pd.Series, second: pd.Series) -> dict[str, float]:
    """The exact two-sided test on images that both were shown: of b + c images on which they
    differ, b is Bin(b + c, 1/2) if neither is better.
    """
    from scipy.stats import binomtest

    both = pd.concat([first, second], axis=1, join="inner")
    b = int((~both.iloc[:, 0] & both.iloc[:, 1]).sum())
    c = int((both.iloc[:, 0] & ~both.iloc[:, 1]).sum())
    p = float(binomtest(b, b + c).pvalue) if b + c else 1.0
    return {"n": len(both), "first_alone": b, "second_alone": c, "p": p}


def _attacked(
    parts: dict[str, pd.DataFrame], clean: Shares, spec: dict[str, Any]
) -> Iterator[Block]:
    for norm in ("linf", "l2"):
        names = [name for name, entry in spec["attacks"].items() if entry["norm"] == norm]
        mine = {
            model: rows[rows["attack"].isin(names)]
            for model, rows in parts.items()
            if "eps" in axes_of(rows)
        }
        for eps in _budgets(mine.values()):
            shares = {model: _at(rows, names, norm, eps) for model, rows in mine.items()}
            yield Block(
                norm,
                eps,
                {
                    model: {**each, ALL: _worst([clean[model], *each.values()])}
                    for model, each in shares.items()
                    if each
                },
            )


def _budgets(parts: Any) -> list[float]:
    """The finite budgets of some rows."""
    values = {float(eps) for rows in parts for eps in rows["eps"].unique()}
    return sorted(eps for eps in values if not isinf(eps))


def _at(rows: pd.DataFrame, names: list[str], norm: str, eps: float) -> Shares:
    """Each attack's share of wrong draws within a budget."""
    found = {}
    for name in names:
        mine = rows[rows["attack"] == name]
        bounded = mine[mine["eps"] == eps]
        nearest = mine[np.isinf(mine["eps"])]
        if len(nearest):
            near = nearest[norm] <= eps + SLACK
            found[name] = _shares(nearest.assign(success=nearest["success"] * near))
        elif len(bounded):
            found[name] = _shares(bounded)
    return found


def _shares(rows: pd.DataFrame) -> pd.Series:
    """The share of wrong draws of each image; of several settings of an attack the largest."""
    found: pd.Series = rows.groupby(IMAGE)["success"].max().astype(np.float64)
    return found


def _worst(shares: list[pd.Series]) -> pd.Series:
    found: pd.Series = pd.concat(shares, axis=1, join="inner").max(axis=1)
    return found


def _both(found: list[Block]) -> dict[str, Shares]:
    """The worst attack of both norms, of the models that met both."""
    first, second = (block.models for block in found)
    return {
        model: {EVERY: _worst([first[model][ALL], second[model][ALL]])}
        for model in first
        if model in second
    }


def _accuracy(wrong: pd.Series) -> Interval:
    parts = [part for _, part in wrong.groupby(level="seed")]
    return over_seeds([share(float((1 - part).sum()), len(part)) for part in parts])[0]


def _bounds(found: Interval) -> dict[str, float]:
    return {"accuracy": found.value, "accuracy_low": found.low, "accuracy_high": found.high}
