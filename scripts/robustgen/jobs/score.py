"""One scoring job: from images and a model to rows, one per image and cell, and per draw of a
randomised classifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core import shards
from robustgen.core.rows import DRAW, with_axes
from robustgen.core.seeds import generator
from robustgen.data.store import Images, to_float
from robustgen.jobs.inputs import Attacked, Version, read_attacked, share
from robustgen.measures.scores import distances, logits, scores
from robustgen.nets import device
from robustgen.nets.classifier import Classifier
from robustgen.nets.ready import ready
from robustgen.nets.spec import Model


@dataclass(frozen=True)
class ScoreJob:
    """The settings of the command of the same name."""

    dataset: str
    model: Model
    attack: str
    images: Path | None
    splits: dict[str, int]
    study_seed: int
    seed: int
    device: str
    threads: int
    batch: int
    code: str
    part: str | None
    out: Path

    @cached_property
    def place(self) -> str:
        """The device that is used, with threads set."""
        return device.use(device=self.device, threads=self.threads)

    @cached_property
    def attacked(self) -> Attacked:
        """The images that are scored."""
        return read_attacked(self.model.data, self.splits, self.images)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier, in fp32."""
        return ready(self.model, next(iter(self.attacked.parts.values())), device=self.place)


def run(job: ScoreJob) -> pd.DataFrame | None:
    """One row per image and cell: identity, axes, passes, prediction, success, energies, scores,
    distances. None where the job is a part, which leaves shards.
    """
    items = [
        f"{name}-{start}"
        for name, part in job.attacked.parts.items()
        for start in range(0, len(part), job.batch)
    ]
    mine = share(items, job.part)
    compute = partial(_shard, job=job)
    found = shards.sharded(mine, beside=job.out, key=_key(job), compute=compute, what="score")
    done = dict(zip(mine, found, strict=True))
    if job.part:
        return None
    frames = [frame for name in job.attacked.parts for frame in _frames(job, name, done)]
    shards.remove(job.out)
    return with_axes(pd.concat(frames, ignore_index=True), job.attacked.axes)


def _shard(item: str, job: ScoreJob) -> dict[str, np.ndarray]:
    """The scores of one batch, z [cells, draws, n, K]."""
    name, start = item.split("-")
    span = slice(int(start), int(start) + job.batch)
    model, draws = job.classifier, job.model.draws if job.classifier.stochastic else 1
    found = []
    for version in job.attacked.versions[name]:
        x, drawn = _images(job.attacked.parts[name], version, span), []
        for draw in range(draws):
            axes: dict[str, Any] = {"seed": job.seed, "split": name, "start": int(start)}
            model.reseed(generator(job.study_seed, **axes, draw=draw, use="score"))
            drawn.append(logits(model, x, batch=job.batch, device=job.place).numpy())
        found.append(drawn)
    return {"z": np.array(found)}


def _images(part: Images, version: Version, span: slice) -> torch.Tensor:
    if version.images is None:
        return to_float(torch.from_numpy(part.images[span]))
    return torch.from_numpy(version.images[span])


def _frames(
    job: ScoreJob, name: str, done: dict[str, dict[str, np.ndarray]]
) -> Iterator[pd.DataFrame]:
    """The rows of each cell and draw of a split."""
    part, versions = job.attacked.parts[name], job.attacked.versions[name]
    z = np.concatenate(
        [found["z"] for item, found in done.items() if item.split("-")[0] == name], axis=2
    )
    for cell, version in enumerate(versions):
        for draw in range(z.shape[1]):
            drawn = {DRAW: draw} if job.classifier.stochastic else {}
            yield _frame(job, name, part, version, torch.from_numpy(z[cell, draw]), drawn)


def _frame(
    job: ScoreJob,
    name: str,
    part: Images,
    version: Version,
    z: torch.Tensor,
    drawn: dict[str, int],
) -> pd.DataFrame:
    clean, labels = part.tensors()
    x = clean if version.images is None else torch.from_numpy(version.images)
    axes = {"dataset": job.dataset, "model": job.model.name, "seed": job.seed}
    axes |= {"attack": job.attack, **version.cell, "split": name}
    measured = scores(z, labels)
    columns = {
        "index": part.index,
        **drawn,
        "label": part.labels,
        "forwards": version.counts[:, 0],
        "backwards": version.counts[:, 1],
        **measured,
        **distances(x, clean),
        "success": measured["prediction"] != part.labels,
    }
    return pd.DataFrame(axes | columns)


def _key(job: ScoreJob) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    paths = [*job.model.files(), *data, *([job.images] if job.images else [])]
    files = [shards.file_hash(path) for path in paths]
    settings = [job.code, job.splits, job.study_seed, job.seed, job.batch, job.threads]
    return json.dumps([*settings, job.model.draws, job.place, files])
