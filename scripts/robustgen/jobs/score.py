"""One scoring job: from images and a model to rows, one per image and cell, and per draw of a
randomised classifier.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from robustgen.jobs.inputs import Attacked, Version, read_attacked, share, told
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
    def used_device(self) -> str:
        """The device that is used, with threads set."""
        return device.use(device=self.device, threads=self.threads)

    @cached_property
    def attacked(self) -> Attacked:
        """The images that are scored."""
        return read_attacked(self.model.data, self.splits, self.images)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier, in fp32."""
        return ready(self.model, next(iter(self.attacked.parts.values())), device=self.used_device)


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


def drawn(
    model: Classifier,
    x: torch.Tensor,
    *,
    draws: int,
    batch: int,
    device: str,
    rng: Callable[..., torch.Generator],
) -> np.ndarray:
    """The scores [draws,n,K] of images [n,c,h,w], each draw with the random numbers of
    rng(draw=...).
    """
    found = []
    for draw in range(draws if model.stochastic else 1):
        model.reseed(rng(draw=draw))
        found.append(logits(model, x, batch=batch, device=device).numpy())
    return np.array(found)


def batch_rng(
    study_seed: int, *, seed: int, split: str, start: int
) -> Callable[..., torch.Generator]:
    """The generators of the draws of a batch, which begins at `start` of its split."""
    return partial(generator, study_seed, seed=seed, split=split, start=start, use="score")


def frames(
    part: Images, version: Version, z: np.ndarray, *, axes: dict[str, Any], stochastic: bool
) -> Iterator[pd.DataFrame]:
    """The rows of one cell of a split, which begin with the columns `axes`, for each draw of the
    scores z [draws,n,K].
    """
    for draw, scored in enumerate(z):
        number = {DRAW: draw} if stochastic else {}
        yield _frame(part, version, torch.from_numpy(scored), axes, number)


def _shard(item: str, job: ScoreJob) -> dict[str, np.ndarray]:
    """The scores of one batch, z [cells, draws, n, K]."""
    name, start = item.split("-")
    span = slice(int(start), int(start) + job.batch)
    rng = batch_rng(job.study_seed, seed=job.seed, split=name, start=int(start))
    batches = (images(job.attacked.parts[name], v, span) for v in job.attacked.versions[name])
    found = [
        drawn(
            job.classifier,
            x,
            draws=job.model.draws,
            batch=job.batch,
            device=job.used_device,
            rng=rng,
        )
        for x in batches
    ]
    return {"z": np.array(found)}


def images(part: Images, version: Version, span: slice) -> torch.Tensor:
    """The images of one batch, float [n,c,h,w], as a cell of an attack left them."""
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
    axes = {"dataset": job.dataset, "model": job.model.name, "seed": job.seed}
    axes |= {"attack": job.attack}
    for version, scored in zip(versions, z, strict=True):
        told = axes | version.cell | {"split": name}
        yield from frames(part, version, scored, axes=told, stochastic=job.classifier.stochastic)


def _frame(
    part: Images,
    version: Version,
    z: torch.Tensor,
    axes: dict[str, Any],
    number: dict[str, int],
) -> pd.DataFrame:
    clean, labels = part.tensors()
    x = clean if version.images is None else torch.from_numpy(version.images)
    measured = scores(z, labels)
    columns = {
        "index": part.index,
        **number,
        "label": part.labels,
        "forwards": version.counts[:, 0],
        "backwards": version.counts[:, 1],
        **measured,
        **distances(x, clean),
        "success": measured["prediction"] != part.labels,
        **({} if version.warning is None else {"warning": version.warning}),
    }
    return pd.DataFrame(axes | columns)


def _key(job: ScoreJob) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    paths = [*job.model.files(), *data, *([job.images] if job.images else [])]
    files = [shards.file_hash(path) for path in paths]
    settings = [job.code, job.splits, job.study_seed, job.seed, job.batch, job.threads]
    return json.dumps([*settings, told(job.model), job.model.draws, job.used_device, files])
