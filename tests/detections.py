"""What the tests of tables on detection share: files of a detection job by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.core.rows import IDENTITY, with_axes, write_rows

DETECTORS = {name: {"kind": name, "fpr": 0.05, "options": {}} for name in ("energy", "lid")}
SPEC = {
    "options": {},
    "detectors": DETECTORS,
    "models": {"net": {"dataset": "signs", "merged": []}},
    "attacks": {},
}


def key(attack: str, eps: float, steps: int) -> dict[str, Any]:
    named = dict(zip(IDENTITY, ("signs", "net", 0, attack), strict=True))
    return {**named, "eps": eps, "steps": steps}


def rows_of(
    attack: str,
    eps: float,
    steps: int,
    values: list[float],
    success: list[bool],
    detector: str = "energy",
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"index": range(len(values)), "label": 0, "success": success, "statistic": values}
    )
    frame = frame.assign(**key(attack, eps, steps), detector="energy", variant="v")
    return with_axes(frame, ("eps", "steps"))


def limit(
    attack: str, eps: float, steps: int, detector: str = "energy", why: str = ""
) -> dict[str, Any]:
    shown = "" if why else "all"
    return {
        **key(attack, eps, steps),
        "detector": detector,
        "protocol": "sound",
        "rule": "fpr",
        "variant": "v",
        "shown": shown,
        "threshold": 5.0,
        "why": why,
    }


def written(folder: Path) -> dict[str, list[str]]:
    """PGD fools two of three images that were right and is seen on one; CW fools none; LID could
    not be fitted.
    """
    clean = rows_of("clean", 0.0, 0, [0.0] * 4, [False, False, False, True])
    pgd = rows_of("pgd", 0.1, 9, [9.0, 1.0, 1.0, 9.0], [True, True, False, True])
    early = rows_of("pgd", 0.1, 2, [9.0, 9.0, 1.0, 9.0], [True, False, True, True])
    cw = rows_of("cw", float("inf"), 9, [0.0] * 4, [False, False, False, True])
    limits = [
        limit("pgd", 0.1, 9),
        limit("pgd", 0.1, 2),
        limit("cw", float("inf"), 9),
        limit("pgd", 0.1, 9, "lid", "Too few images."),
    ]
    write_rows(folder / "statistics.parquet", pd.concat([clean, pgd, early, cw]), unit="image")
    write_rows(
        folder / "thresholds.parquet", pd.DataFrame(limits), unit="set", axes=("eps", "steps")
    )
    return {"detect": [str(folder / "statistics.parquet"), str(folder / "thresholds.parquet")]}


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
