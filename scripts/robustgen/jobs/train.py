"""One training job: from a data set's folder and plain settings to weights and a history."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from robustgen.core.files import write_text
from robustgen.core.seeds import generator, seed_of
from robustgen.core.shards import file_hash
from robustgen.data.store import Images, read_split
from robustgen.nets import classifier, device, own
from robustgen.nets.ready import check_logits, probe
from robustgen.nets.spec import NetSpec
from robustgen.training.loop import Part, Run, train
from robustgen.training.types import Recipe

HISTORY = ("epoch", "lr", "loss", "train_accuracy", "validation_accuracy", "judged_accuracy")


@dataclass(frozen=True)
class TrainJob:
    """The settings of the command of the same name."""

    model: str
    data: Path
    net: dict[str, Any]
    recipe: dict[str, Any] | None
    weights: Path | None  # trained already, in the place of a recipe
    start: Path | None
    study_seed: int
    seed: int
    device: str
    precision: str
    threads: int
    code: str
    out: Path


def run(job: TrainJob) -> dict[str, Any]:
    """Write the weights and the history of a model that is trained or brought along; gives facts
    for the costs.
    """
    if job.weights:
        return _bring(job, job.weights)
    place = device.use(device=job.device, threads=job.threads)
    dtype = device.precision(job.precision, place)
    parts = {name: read_split(job.data, name) for name in ("train", "validation")}
    spec = NetSpec.of(job.net, parts["train"])
    model = _initial(job, spec)
    for training_mode in (False, True):  # on copies, for batch norms and dropout move in training
        check_logits(copy.deepcopy(model).train(training_mode), spec, probe(parts["train"]))
    training = Run(
        recipe=Recipe.of(job.recipe or {}),
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
    return {
        "best_epoch": progress.best_epoch,
        "best_judged_accuracy": progress.best,
        "precision": str(dtype),
    }


def _bring(job: TrainJob, path: Path) -> dict[str, Any]:
    """Write weights of the user's own in the project's form; their history is not known."""
    images = read_split(job.data, "train")
    spec = NetSpec.of(job.net, images)
    classifier.save(job.out, own.bring(path, spec, images), spec)
    write_text(job.out.with_name("history.csv"), ",".join(HISTORY) + "\n")
    return {"weights": str(path), "sha256": file_hash(path)}


def _initial(job: TrainJob, spec: NetSpec) -> torch.nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(job.study_seed, seed=job.seed, model=job.model, use="weights"))
        model = classifier.classifier(spec)
    if job.start:
        tensors = classifier.weights(job.start, spec, same=("net", "options", "channels"))
        classifier.filled(model, tensors, job.start)
    return model


def _part(images: Images, place: str) -> Part:
    return Part(
        torch.from_numpy(images.images).to(place), torch.from_numpy(images.labels).to(place)
    )


def _key(job: TrainJob, place: str, dtype: torch.dtype) -> str:
    """What a checkpoint must share with a run to be its own; threads too, for they decide the
    bytes.
    """
    files = [file_hash(job.data / name) for name in ("pool.safetensors", "splits.safetensors")]
    start = file_hash(job.start) if job.start else ""
    settings = [job.code, job.model, job.net, job.recipe, job.study_seed, job.seed, job.threads]
    return json.dumps([*settings, place, str(dtype), files, start])


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    names = list(history[0])
    lines = [",".join(names)] + [
        ",".join(f"{entry[name]:.6g}" for name in names) for entry in history
    ]
    write_text(path, "\n".join(lines) + "\n")
