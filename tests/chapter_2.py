"""Score rows of two models under the attacks of chapter 2, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import CLEAN, with_axes, write_rows

MODEL: dict[str, Any] = {"dataset": "mnist", "merged": [], "published": "mnist"}
PGD: dict[str, Any] = {"kind": "pgd", "made_on": None, "options": {}}
DEEPFOOL = {"kind": "foolbox", "made_on": None, "options": {"name": "LinfDeepFool"}}
SPEC: dict[str, Any] = {
    "models": {"abs": {**MODEL, "family": "abs"}, "eabs": {**MODEL, "family": "eabs"}},
    "attacks": {
        "pgd": {**PGD, "norm": "linf"},
        "deepfool": {**DEEPFOOL, "norm": "linf"},
        "pgd_l2": {**PGD, "norm": "l2"},
    },
    "options": {},
}
N = 50


def cell(model: str, attack: str, fooled: int, eps: float, **axes: float) -> pd.DataFrame:
    """The first `fooled` of N images are wrong; nearest images (eps inf) lie at 0.2 or at 0.4."""
    index = np.arange(N)
    near = np.where(index % 2 == 0, 0.2, 0.4) if np.isinf(eps) else eps
    frame = pd.DataFrame({"index": index, "success": index < fooled, "linf": near, "l2": near})
    named = {"dataset": "mnist", "model": model, "seed": 0, "attack": attack, "eps": eps, **axes}
    return frame.assign(**named, split="test", label=0)


def written(folder: Path, cells: list[pd.DataFrame], *axes: str) -> dict[str, list[str]]:
    """The file of such rows."""
    path = folder / "scores.parquet"
    write_rows(path, with_axes(pd.concat(cells), ("eps", *axes)), unit="image")
    return {"scores": [str(path)]}


def both(folder: Path) -> dict[str, list[str]]:
    """ABS and E-ABS, clean and under the three attacks."""
    fooled = {
        "abs": {CLEAN: 2, "pgd": 48, "deepfool": 50, "pgd_l2": 20},
        "eabs": {CLEAN: 1, "pgd": 40, "deepfool": 20, "pgd_l2": 5},
    }
    budgets = {CLEAN: 0.0, "pgd": 0.3, "deepfool": np.inf, "pgd_l2": 1.5}
    cells = [
        cell(model, attack, count, budgets[attack])
        for model, counts in fooled.items()
        for attack, count in counts.items()
    ]
    return written(folder, cells)
