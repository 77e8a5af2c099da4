"""Accuracy of models within a ball: under each attack in a norm, per image the worst of them, and
the worst of all attacks in both norms.

An attack breaks an image at a budget where the classifier errs on what it made and that lies within
the budget: one that seeks the nearest adversarial image may end beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, axes_of, with_axes
from robustgen.stats.cells import at_last_step, images
from robustgen.stats.mcnemar import pairs
from robustgen.stats.per_image import accuracy, bounds, by_image, worst

NORMS = ("linf", "l2")
WORST = "all"  # of a norm: of the attacks in it that are made on the model itself
EVERY = "all attacks"  # in both norms, images made on other models among them
# how far rounding may carry an image out of its ball: in units of pixels, and as a share of eps
ROUNDING, SLACK = {"linf": 2e-6, "l2": 1e-4}, 1e-4

Line = tuple[str, float, str]  # norm, budget, attack; clean and EVERY have no norm
Wrong = dict[Line, dict[str, pd.Series]]  # line -> model -> share of wrong draws of each image
UNATTACKED, ALL = ("", 0.0, CLEAN), ("", 0.0, EVERY)


def wrong_within(scores: pd.DataFrame, spec: dict[str, Any]) -> Wrong:
    """The share of wrong draws of each test image, by line and model: clean, then by norm and
    budget each attack in the order of `spec` and WORST; EVERY where it is not the same.
    """
    test, found = scores[scores["split"] == "test"], Wrong()
    for model in spec["models"]:
        for line, wrong in _of_model(test[test["model"] == model], model, spec):
            found.setdefault(line, {})[model] = wrong
    return {line: found[line] for line in sorted(found, key=lambda one: _place(one, spec))}


def accuracies(wrong: Wrong) -> pd.DataFrame:
    """One row per line: `norm`, `eps`, `attack`, `n` of each model, its accuracy and bounds."""
    rows = []
    for (norm, eps, attack), models in wrong.items():
        row: dict[str, Any] = {"norm": norm, "eps": eps, "attack": attack}
        for model, one in models.items():
            row |= bounds(model, accuracy(one)) | {f"{model}_n": images(one)}
        rows.append(row)
    columns = None if rows else ["norm", "eps", "attack"]
    return with_axes(pd.DataFrame(rows, columns=columns), ("eps",))


def compared(wrong: Wrong) -> pd.DataFrame:
    """McNemar's test of each pair of models on each line that is the worst of several attacks."""
    lines = {line: models for line, models in wrong.items() if line[2] in (WORST, EVERY)}
    frames = [
        pairs(models).assign(norm=norm, eps=eps, attack=attack)
        for (norm, eps, attack), models in lines.items()
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def own(attack: str, model: str, spec: dict[str, Any]) -> bool:
    """Whether an attack's images are made on the model that they are shown for."""
    return spec["attacks"][attack].get("made_on") in (None, model)


def _of_model(
    mine: pd.DataFrame, model: str, spec: dict[str, Any]
) -> Iterator[tuple[Line, pd.Series]]:
    clean = by_image(mine[mine["attack"] == CLEAN])
    if clean.empty:
        return
    yield UNATTACKED, clean
    attacked, each = at_last_step(mine[mine["attack"].isin(list(spec["attacks"]))]), Wrong()
    for norm in NORMS:
        names = [name for name, entry in spec["attacks"].items() if entry["norm"] == norm]
        rows = attacked[attacked["attack"].isin(names)]
        for eps in budgets(rows, spec["options"].get(norm)):
            found = _broken(rows, names, norm, eps)
            yield from found.items()
            each |= {line: {model: wrong} for line, wrong in found.items()}
            met = [wrong for line, wrong in found.items() if own(line[2], model, spec)]
            if met:
                yield (norm, eps, WORST), worst([clean, *met])
    moved = any(not own(attack, model, spec) for _, _, attack in each)
    if moved or len({norm for norm, *_ in each}) > 1:
        yield ALL, worst([clean, *(wrong[model] for wrong in each.values())])


def budgets(rows: pd.DataFrame, asked: list[float] | None) -> list[float]:
    """The budgets that are asked for; where none are, those of the attacks that have one."""
    if rows.empty or "eps" not in axes_of(rows):
        return []
    finite = rows.loc[np.isfinite(rows["eps"]) & (rows["eps"] > 0), "eps"]  # 0: it has none
    return list(asked or sorted(float(eps) for eps in set(finite)))


def _broken(rows: pd.DataFrame, names: list[str], norm: str, eps: float) -> dict[Line, pd.Series]:
    """The share of wrong draws on images within the budget, of attacks at it or without one."""
    here = rows[np.isclose(rows["eps"], eps) | np.isinf(rows["eps"])]
    within = here[norm] <= eps * (1 + SLACK) + ROUNDING[norm]
    here = here.assign(success=np.where(within, here["success"], 0.0))
    return {
        (norm, eps, name): by_image(here[here["attack"] == name])
        for name in names
        if (here["attack"] == name).any()
    }


def _place(line: Line, spec: dict[str, Any]) -> tuple[int, float, int]:
    """Where a line stands among the others."""
    norm, eps, attack = line
    order = [CLEAN, *spec["attacks"], WORST, EVERY]
    block = -1 if attack == CLEAN else (*NORMS, "").index(norm)
    return block, eps, order.index(attack)
