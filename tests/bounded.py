"""What the tests of chapter 2's tables and figures share: score rows of a few images by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, with_axes

AXES = ("eps", "steps")
EPS, EPS_L2 = 8 / 255, 1.5
PLAIN = {"kind": "pgd", "norm": "linf", "sweep": {}, "options": {}, "made_on": None, "images": None}
PGD = {"restarts": 20, "eot": 5, "target": "none", "lambda_": 0.0, "random_start": True}
ATTACKS: dict[str, dict[str, Any]] = {
    "pgd": {**PLAIN, "sweep": {"steps": [80]}, "options": PGD},
    "deepfool": {**PLAIN, "kind": "foolbox", "options": {"name": "LinfDeepFool"}},
    "moved": {**PLAIN, "sweep": {"steps": [80]}, "options": PGD, "made_on": "cnn"},
    "ddn": {**PLAIN, "kind": "foolbox", "norm": "l2", "options": {"name": "DDN"}},
}


def facts(family: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"merged": [], "options": {}, "parts": {}, "objective": {"kind": ""}}
    return plain | {"dataset": "svhn", "published": "svhn", "kind": family, "family": family}


def spec(*models: str, attacks: tuple[str, ...] = tuple(ATTACKS), **options: Any) -> dict[str, Any]:
    """What an output is told of models, each of the family of its name, and of attacks."""
    return {
        "models": {model: facts(model) for model in models},
        "attacks": {name: ATTACKS[name] for name in attacks},
        "options": {"linf": [], "l2": [], **options},
    }


def cell(
    model: str,
    attack: str,
    wrong: list[float],
    *,
    eps: float = EPS,
    distance: list[float] | float = 0.0,
    **more: Any,
) -> pd.DataFrame:
    """Rows of one cell; `wrong` is each image's share of wrong draws, `distance` how far it is."""
    of_clean = attack == CLEAN
    frame = pd.DataFrame({"index": range(len(wrong)), "success": wrong, "label": 0})
    named = {"dataset": "svhn", "model": model, "seed": 0, "attack": attack}
    axes = {"eps": 0.0 if of_clean else eps, "steps": 0 if of_clean else 80} | more
    far = np.broadcast_to(np.asarray(distance, float), len(wrong))
    return frame.assign(**named, **axes, split="test", linf=far, l2=far)


def rows(*cells: pd.DataFrame, axes: tuple[str, ...] = AXES) -> pd.DataFrame:
    """The cells one below the other, as read_rows gives them."""
    return with_axes(pd.concat(cells, ignore_index=True), axes)
