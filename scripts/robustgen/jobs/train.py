"""One training job: from a model, its data set's folder and a recipe to weights and a history."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from robustgen.core import cache, kinds
from robustgen.core.contracts import blamed
from robustgen.core.files import write_text
from robustgen.core.seeds import generator, seed_of
from robustgen.core.shards import file_hash
from robustgen.data.store import Images, read_split
from robustgen.jobs.inputs import told
from robustgen.nets import device, own, weights
from robustgen.nets.ready import check_scores, frozen, probe
from robustgen.nets.spec import CLASSIFIER, Model, Spec, gives
from robustgen.training.loop import Run, train
from robustgen.training.types import Data, Part, Recipe

START = "start"  # the part whose weights training starts from
SAME = ("kind", "options", "channels")  # what such weights must share with the model


@dataclass(frozen=True)
class TrainJob:
    """The settings of the command of the same name."""

    model: Model
    recipe: dict[str, Any] | None
    weights: Path | None  # trained already, in the place of a recipe
    keys: dict[str, str | None]  # names in that file -> names in the net
    study_seed: int
    seed: int
    device: str
    precision: str
    threads: int
    code: str
    out: Path


def run(job: TrainJob) -> dict[str, Any]:
    """Write the weights and the history of a model that is trained, found in the cache or brought
    along; gives facts for the costs.
    """
    if job.weights:
        return _bring(job, job.weights)
    place = device.use(device=job.device, threads=job.threads)
    dtype = device.precision(job.precision, place)
    key = _key(job, place, dtype)
    facts = _kept(job, place, key, lambda: _train(job, place, dtype, key))
    _checkpoint(job).unlink(missing_ok=True)
    return facts


def _kept(
    job: TrainJob, place: str, key: str, compute: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """The facts of the same training from the cache; else of what is computed, which is then kept.

    Of a job that is not told its code, as one by hand, nothing is known to be the same.
    """
    if not job.code:
        return compute()
    files = {path.name: path for path in (job.out, _history(job))}
    spec = asdict(job.model.spec())  # of which the data's classes are not in the key
    cached = json.dumps(["train", key, spec, device.described(place)])
    facts = cache.take(cached, files)
    if facts is None:
        facts = compute()
        cache.keep(cached, files, facts)
    return facts


def _train(job: TrainJob, place: str, dtype: torch.dtype, key: str) -> dict[str, Any]:
    """Train a model, and write its weights and history."""
    images = {name: read_split(job.model.data, name) for name in ("train", "validation")}
    spec, recipe = job.model.spec(), Recipe.of(job.recipe or {})
    network = _initial(job, spec, images["train"])
    seed = partial(generator, job.study_seed, seed=job.seed, model=job.model.name)
    others = {role: part for role, part in job.model.parts.items() if role != START}
    parts = {role: frozen(p, dtype=torch.float32, device=place) for role, p in others.items()}
    with blamed("Objective", recipe.objective.kind), blamed("Trainer", recipe.trainer):
        module = kinds.load("trainers", recipe.trainer)
        data = Data(*(_part(images[name], place) for name in ("train", "validation")))
        trainer = module.trainer(
            network, recipe=recipe, data=data, seed=seed, dtype=dtype, parts=parts
        )
        learned = train(trainer, Run(seed, _checkpoint(job), key))
    _write_history(_history(job), learned.progress.history)
    weights.write(job.out, learned.weights, spec)
    progress = learned.progress
    kept = {"best_epoch": progress.best_epoch, "best_score": progress.score}
    return {**kept, "precision": str(dtype)}


def _checkpoint(job: TrainJob) -> Path:
    return job.out.with_name(".checkpoint.safetensors")


def _history(job: TrainJob) -> Path:
    return job.out.with_name("history.csv")


def _bring(job: TrainJob, path: Path) -> dict[str, Any]:
    """Write weights of the user's own in the project's form; their history is not known."""
    spec, images = job.model.spec(), read_split(job.model.data, "train")
    weights.save(job.out, own.bring(path, spec, images, keys=job.keys), spec)
    write_text(_history(job), "epoch\n")
    return {"weights": str(path), "sha256": file_hash(path)}


def _initial(job: TrainJob, spec: Spec, images: Images) -> nn.Sequential:
    """The network before training, a classifier tried in both modes on copies, for batch norms and
    dropout move in training.
    """
    with torch.random.fork_rng(devices=[]):
        seed = seed_of(job.study_seed, seed=job.seed, model=job.model.name, use="weights")
        torch.manual_seed(seed)
        network = weights.untrained(spec)
    if start := job.model.parts.get(START):
        assert start.weights is not None
        tensors = weights.read(start.weights, spec, same=SAME)
        weights.filled(network, tensors, start.weights)
    if gives(spec.kind) == CLASSIFIER and not hasattr(kinds.load("models", spec.kind), "freeze"):
        for training in (False, True):
            tried = copy.deepcopy(network).train(training)
            check_scores(tried, probe(images), kind=spec.kind, classes=spec.classes)
    return network


def _part(images: Images, place: str) -> Part:
    x, y = (torch.from_numpy(array).to(place) for array in (images.images, images.labels))
    masks = None if images.masks is None else torch.from_numpy(images.masks).to(place)
    return Part(x, y, masks)


def _key(job: TrainJob, place: str, dtype: torch.dtype) -> str:
    """What a checkpoint must share with a run to be its own; threads too, for they decide the
    bytes.
    """
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    files = [file_hash(path) for path in (*data, *job.model.files())]
    settings = [job.code, job.model.name, told(job.model), job.recipe, job.study_seed, job.seed]
    return json.dumps([*settings, job.threads, place, str(dtype), files])


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    names = list(history[0])
    lines = [",".join(names)]
    lines += [",".join(f"{entry[name]:.6g}" for name in names) for entry in history]
    write_text(path, "\n".join(lines) + "\n")
