"""One job of a measure: of the images of one attack, or of a model on its clean test images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core import kinds, shards
from robustgen.core.contracts import Broken, blamed
from robustgen.core.literals import constant, literal
from robustgen.core.rows import read_rows, with_axes, write_rows
from robustgen.core.seeds import generator, seed_of
from robustgen.core.tensors import read_arrays, write_arrays
from robustgen.core.values import form
from robustgen.data.store import Images, read_split, to_float
from robustgen.jobs.inputs import Attacked, read_attacked, share, told
from robustgen.measures.types import Columns, Context, Measured, PerImage, Reference, checked
from robustgen.nets import device
from robustgen.nets.classifier import Classifier
from robustgen.nets.ready import frozen, ready
from robustgen.nets.spec import CLASSIFIER, Model

# images that a measure of an attack sees at a time, unless its literal CHUNK says otherwise
CHUNK = 200
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
    # measure -> its rows and arrays
    made_from: dict[str, list[str]] = field(default_factory=dict)

    @property
    def arrays(self) -> Path:
        """The file of arrays beside that of rows."""
        return self.out.with_name("arrays.safetensors")

    @cached_property
    def used_device(self) -> str:
        """The device that is used, with threads set."""
        return device.use(device=self.device, threads=self.threads)

    @cached_property
    def axes(self) -> dict[str, Any]:
        """The columns that every row begins with."""
        identity = {"dataset": self.dataset, "model": self.model.name, "seed": self.seed}
        return {**identity, "attack": self.attack}

    def ready(self, images: Images) -> Any:
        """The model in fp32: a classifier, or what else the measure is of."""
        if of(self.kind) != CLASSIFIER:
            return frozen(self.model, dtype=torch.float32, device=self.used_device)
        return ready(self.model, images, device=self.used_device)

    def given(self) -> dict[str, Measured]:
        """What the measures that this one is made from gave."""
        return {
            name: Measured(read_rows([rows]), read_arrays(arrays))
            for name, (rows, arrays) in self.made_from.items()
        }


def run(job: MeasureJob) -> None:
    """Write the rows and arrays of the measure; a part leaves shards alone."""
    unit = (constant("measures", job.kind, "UNIT") or ("image",))[0]
    found = _of_attack(job) if on(job.kind) == "attack" else _of_model(job)
    if found is None:
        return
    rows = identified(found.rows, job.axes)
    keys = constant("measures", job.kind, "KEYS")
    write_rows(job.out, with_axes(rows, found.axes), unit=unit, axes=found.axes, keys=keys)
    meta = {"dataset": job.dataset, "model": job.model.name, "seed": str(job.seed)}
    write_arrays(job.arrays, found.arrays, meta)
    shards.remove(job.out)


def on(kind: str) -> str:
    """What a kind is measured on: model or attack."""
    return str(literal("measures", kind, "ON", "attack"))


def of(kind: str) -> str:
    """What a model must give for a kind to be measured on it; a classifier unless it says so."""
    return str(literal("measures", kind, "OF", CLASSIFIER))


def _of_model(job: MeasureJob) -> Measured:
    """A measure of the model on clean test images."""
    images = read_split(job.model.data, SPLIT, job.splits[SPLIT])
    model = job.ready(images)
    if isinstance(model, Classifier):
        model.reseed(_generator(job, use=job.measure))
    seed = partial(seed_of, job.study_seed, seed=job.seed)
    context = Context(seed, job.attacks, job.batch, job.used_device, job.given())
    with blamed(f"Measure {job.measure} of kind", job.kind):
        module = kinds.load("measures", job.kind)
        found = module.measure(model, images, options=job.options, context=context)
        if not isinstance(found, Measured) or not isinstance(found.rows, pd.DataFrame):
            raise Broken(
                f"measure must return robustgen.measures.types.Measured, not {form(found)}."
            )
    found.rows.insert(0, "split", SPLIT)
    return found


@dataclass(frozen=True)
class Measuring:
    """A measure of a classifier, ready for images."""

    name: str
    kind: str
    model: Classifier
    measure: PerImage
    device: str
    rng: Callable[..., torch.Generator]  # named axes -> a generator

    @classmethod
    def of(
        cls,
        name: str,
        kind: str,
        reference: Reference,
        *,
        options: dict[str, Any],
        model: str,
        rng: Callable[..., torch.Generator],
    ) -> Measuring:
        """The measure with what it learns from reference images; `model` is the model's name."""
        classifier = reference.model
        classifier.reseed(rng(use="reference"))
        with blamed(f"Measure {name} of kind", kind):
            module, drawn = kinds.load("measures", kind), rng(model=model, use=name)
            found = module.measure(classifier, reference, options=options, generator=drawn)
            if not callable(found):
                raise Broken(f"measure must return a function of two looks, not {form(found)}.")
        return cls(name, kind, classifier, found, reference.device, rng)

    def columns(self, attacked: Attacked, item: str, chunk: np.ndarray) -> Columns:
        """The columns of one chunk, `<cell>.<column>`; a randomised classifier draws the same
        numbers in each cell.
        """
        split = item.split("-")[0]
        clean = to_float(torch.from_numpy(attacked.parts[split].images[chunk]))
        found: Columns = {}
        for cell, version in enumerate(attacked.versions[split]):
            self.model.reseed(self.rng(item=item, use="look"))
            x = None if version.images is None else torch.from_numpy(version.images[chunk])
            columns = self._seen(x, clean)
            found |= {f"{cell}.{column}": values for column, values in columns.items()}
        return found

    def _seen(self, x: torch.Tensor | None, clean: torch.Tensor) -> Columns:
        """The columns of images x, or of the clean ones themselves."""
        with torch.no_grad():
            seen = self.model.look((clean if x is None else x).to(self.device))
            twins = seen if x is None else self.model.look(clean.to(self.device))
        with blamed(f"Measure {self.name} of kind", self.kind):
            return checked(self.measure(seen, twins), len(clean))


def chunks(attacked: Attacked, kind: str) -> dict[str, np.ndarray]:
    """Item `<split>-<number>` -> the places of the images that a measure of a kind sees at a
    time.
    """
    size = int(literal("measures", kind, "CHUNK", CHUNK))
    return {
        f"{name}-{number}": chunk
        for name, part in attacked.parts.items()
        for number, chunk in enumerate(
            np.array_split(np.arange(len(part)), max(1, len(part) // size))
        )
    }


def frame(attacked: Attacked, found: Mapping[str, Columns]) -> pd.DataFrame:
    """The rows of all splits and cells, from the columns of each item."""
    frames = (
        one
        for name in attacked.parts
        for one in _frames(attacked, name, [v for k, v in found.items() if k.split("-")[0] == name])
    )
    return pd.concat(frames, ignore_index=True)


def _frames(attacked: Attacked, split: str, done: Sequence[Columns]) -> Iterator[pd.DataFrame]:
    """The rows of each cell of a split."""
    for cell, version in enumerate(attacked.versions[split]):
        start = f"{cell}."
        # in order of their names, for a shard that is read has another order than a new one
        names = sorted(key for key in done[0] if key.startswith(start))
        values = {key.removeprefix(start): np.concatenate([d[key] for d in done]) for key in names}
        axes = {**version.cell, "split": split, "index": attacked.parts[split].index}
        yield pd.DataFrame(axes | values)


def identified(rows: pd.DataFrame, axes: dict[str, Any]) -> pd.DataFrame:
    """The rows, which begin with the columns `axes`, those that they lack."""
    for place, (name, value) in enumerate(axes.items()):
        if name not in rows:
            rows.insert(place, name, value)
    return rows


def _of_attack(job: MeasureJob) -> Measured | None:
    """Columns per image of clean images or of an attack's, chunk by chunk."""
    attacked = read_attacked(job.model.data, job.splits, job.images)
    pieces = chunks(attacked, job.kind)
    mine, lazy = share(list(pieces), job.part), _Lazy(job, attacked)

    def compute(item: str) -> Columns:
        return _shard(item, pieces[item], attacked, lazy)

    found = shards.sharded(mine, beside=job.out, key=_key(job), compute=compute, what=job.measure)
    done = dict(zip(mine, found, strict=True))
    if job.part:
        return None
    return Measured(frame(attacked, done), axes=tuple(attacked.axes))


def _shard(item: str, chunk: np.ndarray, attacked: Attacked, lazy: _Lazy) -> Columns:
    return lazy.measuring.columns(attacked, item, chunk)


class _Lazy:
    """The measure of a job, built when the first shard asks for it."""

    def __init__(self, job: MeasureJob, attacked: Attacked) -> None:
        self.job, self.images = job, next(iter(attacked.parts.values()))

    @cached_property
    def measuring(self) -> Measuring:
        """The measure, with the job's training images as reference."""
        job = self.job
        images = read_split(job.model.data, "train", job.reference)
        reference = Reference(job.ready(self.images), images, job.batch, job.used_device)
        named: dict[str, Any] = {"options": job.options, "model": job.model.name}
        return Measuring.of(job.measure, job.kind, reference, **named, rng=partial(_generator, job))


def _generator(job: MeasureJob, **axes: str | int) -> torch.Generator:
    return generator(job.study_seed, seed=job.seed, **axes)


def _key(job: MeasureJob) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    paths = [*job.model.files(), *data, *([job.images] if job.images else [])]
    files = [shards.file_hash(path) for path in paths]
    settings = [job.code, job.kind, job.options, job.splits, job.reference, job.study_seed]
    settings += [told(job.model), job.seed, job.batch, job.threads, job.used_device]
    return json.dumps([*settings, files])
