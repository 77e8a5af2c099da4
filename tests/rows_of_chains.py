"""What the tests of tables and figures of scores and chains share: rows and pictures by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import write_rows
from robustgen.core.tensors import write_arrays

AXES = {"score_agreement": ("sigma",), "chains": ("energy", "steps")}
MARKS = (0, 10, 20)
NETS: dict[str, Any] = {
    "first": {"kind": "standard"},
    "second": {"kind": "adversarial", "norm": "l2", "eps": 0.05},
}


def spec(**told: Any) -> dict[str, Any]:
    """What an output is told of two synthesizers."""
    models = {
        name: {
            "dataset": "signs", "merged": [], "published": "", "kind": "synthesizer",
            "family": name, "options": {}, "objective": {"kind": "own weights"},
            "parts": {"net": f"{name}_net"}, "part_objectives": {"net": objective},
        }
        for name, objective in NETS.items()
    }  # fmt: skip
    return {"models": models, "attacks": {}, "detectors": {}, "options": told}


def agreeing(model: str, more: float) -> pd.DataFrame:
    """Cosines of three images at two sigmas, higher by `more`."""
    cosines = np.array([0.1, 0.2, 0.3]) + more
    told = {"dataset": "signs", "model": model, "seed": 0, "attack": "clean", "split": "test"}
    frames = [
        pd.DataFrame({"sigma": sigma, "index": [0, 1, 2], "label": 0, "left_out": 2,
                      "marginal": cosines, "joint": cosines, "clean": 0.9}).assign(**told)
        for sigma in (0.1, 0.25)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def walking(model: str, agreed: int) -> pd.DataFrame:
    """Four chains of each energy, whose energies fall from -1 to -9; the judge agrees with the
    first ones at the end.
    """
    told = {"dataset": "signs", "model": model, "seed": 0, "attack": "clean", "split": "test"}
    frames = [
        pd.DataFrame({"energy": energy, "steps": mark, "index": range(4), "label": 0,
                      "value": -1 - 0.4 * mark, "confidence": 0.7, "range": 0.6, "diverged": 1,
                      "judged": [int(i < agreed and mark == 20) for i in range(4)]}).assign(**told)
        for energy in ("marginal", "joint") for mark in MARKS
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def files(folder: Path, models: tuple[str, ...] = tuple(NETS)) -> dict[str, list[str]]:
    """The files of both measures of models, as a study lays them out."""
    found: dict[str, list[str]] = {name: [] for name in AXES}
    for model in models:
        for name, rows in (
            ("score_agreement", agreeing(model, 0.1)),
            ("chains", walking(model, 2)),
        ):
            place = folder / f"measures/{model}/seed0/clean/{name}"
            place.mkdir(parents=True)
            write_rows(place / "rows.parquet", rows, unit="image", axes=AXES[name])
            pictures = np.full((2, 4, len(MARKS), 3, 8, 8), 90, np.uint8)
            arrays = {"pictures": pictures, "marks": np.array(MARKS), "labels": np.zeros(4, int)}
            write_arrays(place / "arrays.safetensors", arrays if name == "chains" else {})
            found[name] += [str(place / one) for one in ("rows.parquet", "arrays.safetensors")]
    return found
