"""One attack job: from weights and a data set's folder to the attacked images of every cell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robustgen.attacks.sweep import Sweep
from robustgen.attacks.sweep import run as attack_cells
from robustgen.core import shards
from robustgen.core.rows import read_rows
from robustgen.core.seeds import seed_of
from robustgen.core.tensors import write_arrays
from robustgen.data.store import Images, read_split, to_float
from robustgen.measures.natural import NAMES
from robustgen.nets import device
from robustgen.nets.ready import ready


@dataclass(frozen=True)
class AttackJob:
    """The settings of the command of the same name."""

    data: Path
    net: dict[str, Any]
    weights: Path
    sweep: dict[str, Any]
    natural: Path | None  # score rows of natural images, for attacks that know a detector
    splits: dict[str, int]
    study_seed: int
    seed: int
    device: str
    precision: str
    threads: int
    batch: int
    code: str
    out: Path


def run(job: AttackJob) -> dict[str, Any]:
    """Attack batch by batch, each a shard of its own; write all cells as `<split>.<cell>`; gives
    facts for the costs.
    """
    place = device.use(device=job.device, threads=job.threads)
    sweep = Sweep.of(job.sweep | {"options": job.sweep.get("options", {}) | _natural(job)})
    dtype = _precision(job, sweep, place)
    parts = {name: read_split(job.data, name, limit) for name, limit in job.splits.items()}
    model = ready(job.weights, job.net, next(iter(parts.values())), dtype=dtype, device=place)
    items = [
        f"{name}-{start}"
        for name, part in parts.items()
        for start in range(0, len(part), job.batch)
    ]

    def compute(item: str) -> dict[str, np.ndarray]:
        return _shard(item, model, parts, sweep, job, place)

    found = shards.sharded(
        items, beside=job.out, key=_key(job, place, dtype), compute=compute, what="attack"
    )
    done = list(zip(items, found, strict=True))
    _write(job.out, done, sweep)
    shards.remove(job.out)
    return {
        "precision": str(dtype),
        "images": sum(map(len, parts.values())),
        "cells": len(sweep.cells()),
    }


def _shard(
    item: str,
    model: torch.nn.Module,
    parts: dict[str, Images],
    sweep: Sweep,
    job: AttackJob,
    place: str,
) -> dict[str, np.ndarray]:
    """The attacked images of one batch, one array per cell, and the counts of forward and backward
    passes per image.
    """
    name, start = item.split("-")
    part, span = parts[name], slice(int(start), int(start) + job.batch)
    x = to_float(torch.from_numpy(part.images[span])).to(place)
    y = torch.from_numpy(part.labels[span]).to(place)
    seed = seed_of(job.study_seed, seed=job.seed, split=name, start=int(start), use="attack")
    results = list(attack_cells(model, x, y, sweep=sweep, seed=seed))
    arrays = {str(cell): found.images.detach().cpu().numpy() for cell, found in enumerate(results)}
    counts = np.array([[found.forwards, found.backwards] for found in results])
    return arrays | {"counts": np.repeat(counts[:, None], len(y), axis=1)}  # [cells, n, 2]


def _write(path: Path, done: list[tuple[str, dict[str, np.ndarray]]], sweep: Sweep) -> None:
    arrays: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(item.split("-")[0] for item, _ in done):
        mine = [found for item, found in done if item.split("-")[0] == name]
        arrays |= {
            f"{name}.{cell}": np.concatenate([found[str(cell)] for found in mine])
            for cell in range(len(sweep.cells()))
        }
        arrays[f"{name}.counts"] = np.concatenate([found["counts"] for found in mine], axis=1)
    cells = [
        {"eps": cell.eps, "steps": cell.steps, "weight": cell.weight} for cell in sweep.cells()
    ]
    write_arrays(path, arrays, {"cells": json.dumps(cells)})


def _precision(job: AttackJob, sweep: Sweep, place: str) -> torch.dtype:
    """As asked for; but fp32 for attacks that seek the nearest adversarial image, for bf16 is too
    coarse at the boundary.
    """
    return torch.float32 if inf in sweep.eps else device.precision(job.precision, place)


def _natural(job: AttackJob) -> dict[str, Any]:
    """What an attack may know of natural images: the scores of validation images."""
    if job.natural is None:
        return {}
    rows = read_rows(job.natural)
    rows = rows[rows["split"] == "validation"]
    return {"natural": {name: rows[name].to_numpy(np.float64) for name in NAMES}}


def _key(job: AttackJob, place: str, dtype: torch.dtype) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    paths = [
        job.weights,
        job.data / "pool.safetensors",
        job.data / "splits.safetensors",
        *([job.natural] if job.natural else []),
    ]
    files = [shards.file_hash(path) for path in paths]
    settings = [job.code, job.sweep, job.splits, job.study_seed, job.seed, job.batch, job.threads]
    return json.dumps([*settings, str(dtype), place, files])
