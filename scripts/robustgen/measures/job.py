"""One scoring job: from images and weights to rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core.tensors import read_arrays, read_meta
from robustgen.data.store import Images, read_split
from robustgen.measures.scores import logits, scores
from robustgen.nets import classifier, device

NATURAL = {"eps": 0.0, "steps": 0, "weight": 0.0}


@dataclass(frozen=True)
class ScoreJob:
    """The settings of the command of the same name."""

    dataset: str
    model: str
    attack: str
    data: Path
    weights: Path
    images: Path | None
    splits: dict[str, int]
    temperatures: list[float]
    seed: int
    device: str
    threads: int
    batch: int
    out: Path


def run(job: ScoreJob) -> pd.DataFrame:
    """One row per image and cell: axes, costs per image, prediction, success and energies."""
    place = device.use(device=job.device, threads=job.threads)
    model = classifier.frozen(classifier.load(job.weights)[0], device=place)
    frames = []
    for name, limit in job.splits.items():
        part = read_split(job.data, name, limit)
        for cell, x, counts in _cells(job, name, part):
            z = logits(model, x, batch=job.batch, device=place)
            measured = scores(z, torch.from_numpy(part.labels), temperatures=tuple(t for t in job.temperatures if t != 1))
            axes = {
                "dataset": job.dataset,
                "model": job.model,
                "seed": job.seed,
                "attack": job.attack,
                **cell,
                "split": name,
            }
            frames.append(_frame(axes, part, counts, measured))
    return pd.concat(frames, ignore_index=True)


def _cells(job: ScoreJob, name: str, part: Images) -> Iterator[tuple[dict[str, Any], torch.Tensor, np.ndarray]]:
    """(axes, images, forward and backward passes per image) of each cell of a split."""
    if job.images is None:
        yield NATURAL, part.tensors()[0], np.zeros((len(part), 2))
        return
    arrays = read_arrays(job.images)
    for number, cell in enumerate(json.loads(read_meta(job.images)["cells"])):
        yield cell, torch.from_numpy(arrays[f"{name}.{number}"]), arrays[f"{name}.counts"][number]


def _frame(axes: dict[str, Any], part: Images, counts: np.ndarray, measured: dict[str, np.ndarray]) -> pd.DataFrame:
    columns = {
        "index": part.index,
        "label": part.labels,
        "forwards": counts[:, 0],
        "backwards": counts[:, 1],
        **measured,
    }
    rows = pd.DataFrame(columns).assign(success=measured["prediction"] != part.labels)
    for place, (name, value) in enumerate(axes.items()):
        rows.insert(place, name, value)
    return rows
