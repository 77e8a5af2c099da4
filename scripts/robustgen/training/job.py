"""One training job: from a data set's folder and plain settings to weights and a history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from robustgen.core.files import write_text
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator, seed_of
from robustgen.core.shards import file_hash
from robustgen.data.store import Images, read_split
from robustgen.nets import classifier, device
from robustgen.training.loop import Part, Run, train
from robustgen.training.types import Recipe


@dataclass(frozen=True)
class TrainJob:
    """The settings of the command of the same name."""

    model: str
    data: Path
    net: dict[str, Any]
    recipe: dict[str, Any]
    start: Path | None
    study_seed: int
    seed: int
    device: str
    precision: str
    threads: int
    code: str
    out: Path


def run(job: TrainJob) -> dict[str, Any]:
    """Train, write weights and history, remove the checkpoint; gives facts for the costs."""
    place = device.use(device=job.device, threads=job.threads)
    dtype = device.precision(job.precision, place)
    parts = {name: read_split(job.data, name) for name in ("train", "validation")}
    spec = _spec(job, parts["train"])
    model = _initial(job, spec)
    training = Run(
        recipe=Recipe.of(job.recipe),
        train=_part(parts["train"], place),
        validation=_part(parts["validation"], place),
        seed=partial(generator, job.study_seed, seed=job.seed, model=job.model),
        dtype=dtype,
        checkpoint=job.out.with_name(".checkpoint.safetensors"),
        key=_key(job, place, dtype),
    )
    best, progress = train(model, training)
    model.load_state_dict(best)
    _write_history(job.out.with_name("history.csv"), progress.history)
    classifier.save(job.out, model, spec)
    training.checkpoint.unlink(missing_ok=True)
    return {"best_epoch": progress.best_epoch, "best_judged_accuracy": progress.best, "precision": str(dtype)}


def _spec(job: TrainJob, train_part: Images) -> classifier.NetSpec:
    channels = train_part.images.shape[1]
    return classifier.NetSpec(
        net=job.net["net"],
        channels=channels,
        classes=len(train_part.names),
        size=job.net["size"],
        mean=_per_channel(job.net["mean"], channels, "mean"),
        std=_per_channel(job.net["std"], channels, "std"),
        options=job.net["options"],
    )


def _per_channel(values: list[float], channels: int, name: str) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise Refused(f"datasets.*.{name} has {len(values)} values for {channels} channels; give one, or one each.")
    return tuple(values * channels if len(values) == 1 else values)


def _initial(job: TrainJob, spec: classifier.NetSpec) -> torch.nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(job.study_seed, seed=job.seed, model=job.model, use="weights"))
        model = classifier.classifier(spec)
    if job.start:
        started, other = classifier.load(job.start)
        if (other.net, other.options, other.channels) != (spec.net, spec.options, spec.channels):
            raise Refused(f"{job.model} cannot start from {job.start}: nets differ ({spec.options} and {other.options}).")
        model.load_state_dict(started.state_dict())
    return model


def _part(images: Images, place: str) -> Part:
    return Part(torch.from_numpy(images.images).to(place), torch.from_numpy(images.labels).to(place))


def _key(job: TrainJob, place: str, dtype: torch.dtype) -> str:
    """What a checkpoint must share with a run to be its own."""
    files = [file_hash(job.data / name) for name in ("pool.safetensors", "splits.safetensors")]
    start = file_hash(job.start) if job.start else ""
    return json.dumps([job.code, job.model, job.net, job.recipe, job.study_seed, job.seed, place, str(dtype), files, start])


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    names = list(history[0])
    lines = [",".join(names)] + [",".join(f"{entry[name]:.6g}" for name in names) for entry in history]
    write_text(path, "\n".join(lines) + "\n")
