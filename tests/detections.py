"""What the tests of tables on detection share: files of a detection job by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes, write_rows

DETECTORS = {name: {"kind": name, "fpr": 0.05, "options": {}} for name in ("energy", "kd_bu")}


def statistics(
    attack: str,
    values: list[float],
    *,
    success: list[float] | None = None,
    model: str = "net",
    detector: str = "energy",
    seed: int = 0,
    **axes: Any,
) -> pd.DataFrame:
    """One cell's statistics of a detector."""
    frame = pd.DataFrame({"index": range(len(values)), "statistic": values})
    frame = frame.assign(label=0, success=success or [False] * len(values))
    named = {"dataset": "signs", "model": model, "seed": seed, "attack": attack, **axes}
    return with_axes(frame.assign(**named, detector=detector, variant="v"), axes)


def detection(folder: Path, *cells: pd.DataFrame, threshold: float = 5.0) -> list[str]:
    """The two files of detection jobs, every detector with one threshold for all attacks."""
    axes = list(cells[0].attrs["axes"])
    limits = [
        {name: cell[name].iloc[0] for name in ("dataset", "model", "seed", "attack", *axes)}
        | {"detector": cell["detector"].iloc[0], "protocol": "sound", "rule": "fpr"}
        | {"variant": "v", "shown": "all", "threshold": threshold, "why": ""}
        for cell in cells
        if cell["attack"].iloc[0] != "clean"
    ]
    paths = [str(folder / f"{name}.parquet") for name in ("statistics", "thresholds")]
    write_rows(paths[0], pd.concat(cells), unit="image", axes=axes, keys=["detector"])
    write_rows(paths[1], pd.DataFrame(limits), unit="set", axes=axes)
    return paths


def spec(*models: str, **attacks: dict[str, Any]) -> dict[str, Any]:
    plain = {"kind": "pgd", "norm": "linf", "sweep": {}, "options": {}, "made_on": None}
    return {
        "options": {},
        "detectors": DETECTORS,
        "models": {name: {"dataset": "signs", "merged": []} for name in models},
        "attacks": {name: plain | entry for name, entry in attacks.items()},
    }
