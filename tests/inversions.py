"""What the tests of chapter 3's tables, figures and claims share: rows of a few images by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import with_axes, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.inversion.inversions import AXES

K = 3


def rows(
    model: str,
    wrong: list[bool],
    *,
    lambda_: float = 1.0,
    plus: bool = False,
    steps: int = 100,
    inside: float = 10.0,
    metric: str = "VGG",
) -> pd.DataFrame:
    """Rows of one setting: image i is of class i % K and lost to the next class where `wrong`.

    The own class has pixels 5, perceptual `inside` and strength 2; the next class a total that is
    1 lower where the image is wrong and 1 higher else; the third one 4 higher. Perceptual distances
    of the others are 20 and 30.
    """
    lines = []
    for index, lost in enumerate(wrong):
        label = index % K
        own = 5 + inside + 2 * lambda_
        for shift, (more, far) in enumerate(((0, inside), (-1 if lost else 1, 20), (4, 30))):
            lines.append(
                {"index": index, "label": label, "class": (label + shift) % K, "pixels": 5.0,
                 "perceptual": float(far), "strength": 2.0, "total": own + more}
            )  # fmt: skip
    frame = pd.DataFrame(lines)
    cell = {"lambda_": lambda_, "plus": plus, "steps": steps}
    told = {"norm": 1.0, "typical": 40.0, "metric": metric, "passes": 303}
    named = {"dataset": "cifar10_gan", "model": model, "seed": 0, "attack": "clean"}
    found = frame.assign(**named, **cell, **told, split="test")
    return found[[*named, *cell, *(name for name in found if name not in (*named, *cell))]]


def written(folder: Path, name: str, *frames: pd.DataFrame, unit: str = "image x class") -> str:
    """The path of a file of such rows."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    found = with_axes(pd.concat(frames, ignore_index=True), AXES if "plus" in frames[0] else ())
    keys = ("path", "k") if "k" in found else ()
    write_rows(path, found, unit=unit, axes=AXES if "plus" in found else (), keys=keys)
    return str(path)


def facts(family: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"merged": [], "options": {}, "parts": {}, "objective": {"kind": ""}}
    told = {"dataset": "cifar10_gan", "published": "cifar10", "kind": "inversion"}
    return plain | told | {"family": family}


def spec(families: dict[str, str], **options: Any) -> dict[str, Any]:
    """What an output is told of models, by their families."""
    models = {model: facts(family) for model, family in families.items()}
    return {"models": models, "attacks": {}, "detectors": {}, "options": options}


def pictures(folder: Path, model: str, cells: list[dict[str, Any]], n: int = 4) -> list[str]:
    """Files of rows and arrays of a model's inversions, as a study lays them out."""
    import json

    place = folder / f"measures/{model}/seed0/clean/inversions"
    frames = [rows(model, [i == 0 for i in range(n)], **cell) for cell in cells]
    path = written(place, "rows.parquet", *frames)
    source = np.random.default_rng(0)
    arrays = {
        "images": source.integers(0, 255, (n, 3, 8, 8), dtype=np.uint8),
        "reconstructions": source.integers(0, 255, (len(cells), n, K, 3, 8, 8), dtype=np.uint8),
        "codes": source.normal(size=(len(cells), n, K, 5)).astype(np.float32),
        "labels": np.arange(n) % K,
        "index": np.arange(n),
        "cells": np.frombuffer(json.dumps(cells).encode(), np.uint8),
    }
    write_arrays(place / "arrays.safetensors", arrays)
    return [path, str(place / "arrays.safetensors")]
