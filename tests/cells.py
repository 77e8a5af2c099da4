"""What the tests of claims share: rows of scores of a few images."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes

CLEAN_ENERGIES = [-1.0, -2.0, -3.0, -4.0]
AXES = ("eps", "steps", "lambda_")


def cell(
    energies: list[float],
    *,
    attack: str = "pgd",
    steps: int = 5,
    eps: float = 0.1,
    seed: int = 0,
    success: list[bool] | None = None,
    model: str = "plain",
    dataset: str = "digits",
) -> pd.DataFrame:
    n = len(energies)
    frame = pd.DataFrame({"index": range(n), "energy": energies, "success": success or [True] * n})
    frame = frame.assign(
        attack=attack,
        steps=steps,
        eps=eps,
        seed=seed,
        model=model,
        dataset=dataset,
        lambda_=0.0,
        split="test",
    )
    return with_axes(frame, AXES)


def clean(energies: list[float] = CLEAN_ENERGIES, **axes: Any) -> pd.DataFrame:
    return cell(energies, attack="clean", steps=0, eps=0.0, success=[False] * len(energies), **axes)


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)
