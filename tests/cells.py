"""What the tests of claims share: rows of scores of a few images."""

from __future__ import annotations

from typing import Any

import pandas as pd

NATURAL = [-1.0, -2.0, -3.0, -4.0]


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
    return frame.assign(
        attack=attack,
        steps=steps,
        eps=eps,
        seed=seed,
        model=model,
        dataset=dataset,
        weight=0.0,
        split="test",
    )


def natural(energies: list[float] = NATURAL, **axes: Any) -> pd.DataFrame:
    return cell(energies, attack="clean", steps=0, eps=0.0, success=[False] * len(energies), **axes)


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)
