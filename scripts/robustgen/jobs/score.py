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

from robustgen.core import kinds
from robustgen.core.contracts import Broken, blamed
from robustgen.core.seeds import generator
from robustgen.core.tensors import read_arrays, read_meta
from robustgen.core.values import form
from robustgen.data.store import Images, read_split
from robustgen.measures.scores import distances, logits, scores
from robustgen.measures.types import Measure, Reference, checked
from robustgen.nets import device
from robustgen.nets.activations import Activations, activations
from robustgen.nets.ready import ready

NATURAL = {"eps": 0.0, "steps": 0, "weight": 0.0}
CHUNK = 200  # images whose activations are held at a time


@dataclass(frozen=True)
class ScoreJob:
    """The settings of the command of the same name."""

    dataset: str
    model: str
    attack: str
    data: Path
    net: dict[str, Any]
    weights: Path
    images: Path | None
    splits: dict[str, int]
    temperatures: list[float]
    # name of a detector -> kind and options of the measure that it needs
    measures: dict[str, dict[str, Any]]
    reference: int
    study_seed: int
    seed: int
    device: str
    threads: int
    batch: int
    out: Path


def run(job: ScoreJob) -> pd.DataFrame:
    """One row per image and cell: axes, costs per image, prediction, success, energies, distances,
    what detectors need.
    """
    place = device.use(device=job.device, threads=job.threads)
    parts = {name: read_split(job.data, name, limit) for name, limit in job.splits.items()}
    model = ready(job.weights, job.net, next(iter(parts.values())), device=place)
    measures = _prepared(job, model, place)
    axes = {"dataset": job.dataset, "model": job.model, "seed": job.seed, "attack": job.attack}
    frames = []
    for name, part in parts.items():
        natural, labels = part.tensors()
        cells = list(_cells(job, name, part))
        looks = _measured(measures, model, [x for _, x, _ in cells], natural, place)
        for (cell, x, counts), look in zip(cells, looks, strict=True):
            z = logits(model, x, batch=job.batch, device=place)
            measured = scores(z, labels, temperatures=tuple(t for t in job.temperatures if t != 1))
            frames.append(
                _frame(
                    {**axes, **cell, "split": name},
                    part,
                    counts,
                    measured | distances(x, natural) | look,
                )
            )
    return pd.concat(frames, ignore_index=True)


def _prepared(job: ScoreJob, model: torch.nn.Sequential, place: str) -> dict[str, Measure]:
    """The measures that detectors need, fitted on training images."""
    if not job.measures:
        return {}
    reference = Reference(model, read_split(job.data, "train", job.reference), job.batch, place)
    return {
        name: _prepare(job, name, entry, model, reference) for name, entry in job.measures.items()
    }


def _prepare(
    job: ScoreJob,
    name: str,
    entry: dict[str, Any],
    model: torch.nn.Sequential,
    reference: Reference,
) -> Measure:
    """A measure that names its columns <detector>.<column> and is checked where it answers."""
    sort, kind = f"Measure {name} of kind", entry["kind"]
    rng = generator(job.study_seed, seed=job.seed, model=job.model, use=name)
    with blamed(sort, kind):
        measure = kinds.load("measures", kind).prepare(
            model, reference, options=entry["options"], generator=rng
        )
        if not callable(measure):
            raise Broken(f"prepare must return a function of activations, not {form(measure)}.")

    def named(seen: Activations, clean: Activations) -> dict[str, np.ndarray]:
        with blamed(sort, kind):
            return {
                f"{name}.{column}": values
                for column, values in checked(measure(seen, clean), len(seen.logits)).items()
            }

    return named


def _measured(
    measures: dict[str, Measure],
    model: torch.nn.Sequential,
    versions: list[torch.Tensor],
    natural: torch.Tensor,
    place: str,
) -> list[dict[str, np.ndarray]]:
    """For each version of the natural images the columns of all measures."""
    if not measures:
        return [{} for _ in versions]
    parts = torch.arange(len(natural)).tensor_split(max(1, len(natural) // CHUNK))
    found: list[list[dict[str, np.ndarray]]] = []
    for part in parts:
        clean = activations(model, natural[part].to(place))
        found.append(
            [_look(measures, activations(model, x[part].to(place)), clean) for x in versions]
        )
    return [
        {name: np.concatenate([look[name] for look in looks]) for name in looks[0]}
        for looks in zip(*found, strict=True)
    ]


def _look(
    measures: dict[str, Measure], seen: Activations, clean: Activations
) -> dict[str, np.ndarray]:
    return {
        name: values
        for measure in measures.values()
        for name, values in measure(seen, clean).items()
    }


def _cells(
    job: ScoreJob, name: str, part: Images
) -> Iterator[tuple[dict[str, Any], torch.Tensor, np.ndarray]]:
    """(axes, images, forward and backward passes per image) of each cell of a split."""
    if job.images is None:
        yield NATURAL, part.tensors()[0], np.zeros((len(part), 2))
        return
    arrays = read_arrays(job.images)
    for number, cell in enumerate(json.loads(read_meta(job.images)["cells"])):
        yield cell, torch.from_numpy(arrays[f"{name}.{number}"]), arrays[f"{name}.counts"][number]


def _frame(
    axes: dict[str, Any], part: Images, counts: np.ndarray, measured: dict[str, np.ndarray]
) -> pd.DataFrame:
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
