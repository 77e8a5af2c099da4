"""One job of a measure: of the images of one attack, or of a model on its clean test images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core import kinds, shards
from robustgen.core.contracts import Broken, blamed
from robustgen.core.literals import constant, literal
from robustgen.core.rows import with_axes, write_rows
from robustgen.core.seeds import generator, seed_of
from robustgen.core.tensors import write_arrays
from robustgen.core.values import form
from robustgen.data.store import Images, read_split, to_float
from robustgen.jobs.inputs import Attacked, read_attacked, share
from robustgen.measures.types import Columns, Context, Measured, PerImage, Reference, checked
from robustgen.nets import device
from robustgen.nets.classifier import Classifier
from robustgen.nets.ready import ready
from robustgen.nets.spec import Model

CHUNK = 200  # images that a measure of an attack sees at a time
SPLIT = "test"  # on which a model is measured


@dataclass(frozen=True)
class MeasureJob:
    """The settings of the command of the same name."""

    dataset: str
    model: Model
    attack: str
    measure: str
    kind: str
    options: dict[str, Any]
    attacks: dict[str, dict[str, Any]]  # sweeps of the attacks that the options name
    images: Path | None
    splits: dict[str, int]
    reference: int
    study_seed: int
    seed: int
    device: str
    threads: int
    batch: int
    code: str
    part: str | None
    out: Path

    @property
    def arrays(self) -> Path:
        """The file of arrays beside that of rows."""
        return self.out.with_name("arrays.safetensors")

    @cached_property
    def place(self) -> str:
        """The device that is used, with threads set."""
        return device.use(device=self.device, threads=self.threads)

    @cached_property
    def axes(self) -> dict[str, Any]:
        """The columns that every row begins with."""
        identity = {"dataset": self.dataset, "model": self.model.name, "seed": self.seed}
        return {**identity, "attack": self.attack}

    def ready(self, images: Images) -> Classifier:
        """The classifier, in fp32."""
        return ready(self.model, images, device=self.place)


def run(job: MeasureJob) -> None:
    """Write the rows and arrays of the measure; a part leaves shards alone."""
    unit = (constant("measures", job.kind, "UNIT") or ("image",))[0]
    found = _of_attack(job) if on(job.kind) == "attack" else _of_model(job)
    if found is None:
        return
    rows = found.rows
    for place, (name, value) in enumerate(job.axes.items()):
        if name not in rows:
            rows.insert(place, name, value)
    keys = constant("measures", job.kind, "KEYS")
    write_rows(job.out, with_axes(rows, found.axes), unit=unit, axes=found.axes, keys=keys)
    meta = {"dataset": job.dataset, "model": job.model.name, "seed": str(job.seed)}
    write_arrays(job.arrays, found.arrays, meta)
    shards.remove(job.out)


def on(kind: str) -> str:
    """What a kind is measured on: model or attack."""
    return str(literal("measures", kind, "ON", "attack"))


def _of_model(job: MeasureJob) -> Measured:
    """A measure of the model on clean test images."""
    images = read_split(job.model.data, SPLIT, job.splits[SPLIT])
    model = job.ready(images)
    model.reseed(_generator(job, use=job.measure))
    seed = partial(seed_of, job.study_seed, seed=job.seed)
    context = Context(seed, job.attacks, job.batch, job.place)
    with blamed(f"Measure {job.measure} of kind", job.kind):
        module = kinds.load("measures", job.kind)
        found = module.measure(model, images, options=job.options, context=context)
        if not isinstance(found, Measured) or not isinstance(found.rows, pd.DataFrame):
            raise Broken(
                f"measure must return robustgen.measures.types.Measured, not {form(found)}."
            )
    found.rows.insert(0, "split", SPLIT)
    return found


def _of_attack(job: MeasureJob) -> Measured | None:
    """Columns per image of clean images or of an attack's, chunk by chunk."""
    attacked = read_attacked(job.model.data, job.splits, job.images)
    chunks = {
        f"{name}-{number}": chunk
        for name, part in attacked.parts.items()
        for number, chunk in enumerate(np.array_split(np.arange(len(part)), _chunks(len(part))))
    }
    mine, measure = share(list(chunks), job.part), _Lazy(job, attacked)

    def compute(item: str) -> Columns:
        return _shard(item, chunks[item], attacked, measure)

    found = shards.sharded(mine, beside=job.out, key=_key(job), compute=compute, what=job.measure)
    done = dict(zip(mine, found, strict=True))
    if job.part:
        return None
    frames = [_frame(attacked, name, cell, done) for name, cell in _cells(attacked)]
    return Measured(pd.concat(frames, ignore_index=True), axes=tuple(attacked.axes))


class _Lazy:
    """The measure and its classifier, built when the first shard asks for them."""

    def __init__(self, job: MeasureJob, attacked: Attacked) -> None:
        self.job, self.images = job, next(iter(attacked.parts.values()))

    @cached_property
    def model(self) -> Classifier:
        return self.job.ready(self.images)

    @cached_property
    def measure(self) -> PerImage:
        job = self.job
        images = read_split(job.model.data, "train", job.reference)
        reference = Reference(self.model, images, job.batch, job.place)
        rng = _generator(job, model=job.model.name, use=job.measure)
        with blamed(f"Measure {job.measure} of kind", job.kind):
            module = kinds.load("measures", job.kind)
            found = module.measure(self.model, reference, options=job.options, generator=rng)
            if not callable(found):
                raise Broken(f"measure must return a function of two looks, not {form(found)}.")
        return found

    def __call__(self, x: torch.Tensor, clean: torch.Tensor) -> Columns:
        measure, place = self.measure, self.job.place
        with torch.no_grad():
            seen, twins = self.model.look(x.to(place)), self.model.look(clean.to(place))
        with blamed(f"Measure {self.job.measure} of kind", self.job.kind):
            return checked(measure(seen, twins), len(x))


def _chunks(n: int) -> int:
    return max(1, n // CHUNK)


def _cells(attacked: Attacked) -> list[tuple[str, int]]:
    return [(name, cell) for name in attacked.parts for cell in range(len(attacked.versions[name]))]


def _shard(item: str, chunk: np.ndarray, attacked: Attacked, measure: _Lazy) -> Columns:
    """The columns of one chunk of a split, `<cell>.<column>`."""
    name = item.split("-")[0]
    clean = to_float(torch.from_numpy(attacked.parts[name].images[chunk]))
    found: Columns = {}
    for cell, version in enumerate(attacked.versions[name]):
        x = clean if version.images is None else torch.from_numpy(version.images[chunk])
        columns = measure(x, clean)
        found |= {f"{cell}.{column}": values for column, values in columns.items()}
    return found


def _frame(
    attacked: Attacked, name: str, cell: int, done: dict[str, dict[str, np.ndarray]]
) -> pd.DataFrame:
    part, mine = attacked.parts[name], [v for k, v in done.items() if k.split("-")[0] == name]
    start = f"{cell}."
    columns = [key for key in mine[0] if key.startswith(start)]
    values = {
        key.removeprefix(start): np.concatenate([one[key] for one in mine]) for key in columns
    }
    axes = {**attacked.versions[name][cell].cell, "split": name, "index": part.index}
    return pd.DataFrame(axes | values)


def _generator(job: MeasureJob, **axes: str) -> torch.Generator:
    return generator(job.study_seed, seed=job.seed, **axes)


def _key(job: MeasureJob) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    paths = [*job.model.files(), *data, *([job.images] if job.images else [])]
    files = [shards.file_hash(path) for path in paths]
    settings = [job.code, job.kind, job.options, job.splits, job.reference, job.study_seed]
    return json.dumps([*settings, job.seed, job.batch, job.threads, job.place, files])
