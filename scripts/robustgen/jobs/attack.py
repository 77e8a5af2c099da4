"""One attack job: from a model and a data set's folder to the attacked images of every cell."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run as attack_cells
from robustgen.attacks.takes import EPS
from robustgen.attacks.types import Attacked
from robustgen.core import shards
from robustgen.core.literals import constant, literal
from robustgen.core.rows import read_rows
from robustgen.core.seeds import seed_of
from robustgen.core.tensors import write_arrays
from robustgen.data.store import Images, read_split, to_bytes, to_float
from robustgen.jobs.inputs import share, told
from robustgen.measures.natural import NAMES
from robustgen.nets import device
from robustgen.nets.classifier import Classifier
from robustgen.nets.ready import ready
from robustgen.nets.spec import Model

SHOWN, SHOWN_OF = 24, "test"  # images that the report may show, and their split


@dataclass(frozen=True)
class AttackJob:
    """The settings of the command of the same name."""

    model: Model
    sweep: dict[str, Any]
    view: dict[str, Any]  # settings of inference under attack
    told: dict[str, Any]  # what an attack that knows a detector is told: see Plan.told
    splits: dict[str, int]
    study_seed: int
    seed: int
    device: str
    precision: str
    threads: int
    batch: int
    code: str
    part: str | None
    first: Path | None  # for the few images that the report shows
    out: Path

    @cached_property
    def used_device(self) -> str:
        """The device that is used, with threads set."""
        return device.use(device=self.device, threads=self.threads)

    @cached_property
    def cells(self) -> Sweep:
        """The sweep, with what the attack may know of clean images."""
        options = self.sweep.get("options", {}) | _told(self)
        return Sweep.of(self.sweep | {"options": options})

    @cached_property
    def parts(self) -> dict[str, Images]:
        """The images by split."""
        data = self.model.data
        return {name: read_split(data, name, limit) for name, limit in self.splits.items()}

    @cached_property
    def dtype(self) -> torch.dtype:
        """As asked for, unless the kind says otherwise; but fp32 for attacks that seek the nearest
        adversarial image, for bf16 is too coarse at the boundary.
        """
        nearest = inf in self.cells.sweep.get(EPS, ())
        asked = literal("attacks", self.cells.kind, "PRECISION", self.precision)
        return torch.float32 if nearest else device.precision(asked, self.used_device)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier under attack."""
        first = next(iter(self.parts.values()))
        model = ready(self.model, first, dtype=self.dtype, device=self.used_device)
        return model.view(**self.view) if self.view else model


def run(job: AttackJob) -> dict[str, Any]:
    """Attack batch by batch, each a shard of its own; write all cells as `<split>.<cell>`, and the
    first test images of the largest cell once more as whole numbers, unless the job is a part;
    gives facts for the costs.
    """
    items = [
        f"{name}-{start}"
        for name, images in job.parts.items()
        for start in range(0, len(images), job.batch)
    ]
    mine = share(items, job.part)
    compute = partial(_shard, job=job)
    found = shards.sharded(mine, beside=job.out, key=_key(job), compute=compute, what="attack")
    done = dict(zip(mine, found, strict=True))
    facts = {"precision": str(job.dtype), "cells": len(job.cells.cells())}
    if job.part:
        return facts | {"shards": len(mine)}
    _write(job, done)
    shards.remove(job.out)
    return facts | {"images": sum(map(len, job.parts.values()))}


def attacked(
    classifier: Classifier,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    sweep: Sweep,
    study_seed: int,
    seed: int,
    split: str,
    start: int,
    keep: shards.Keep | None = None,
) -> list[Attacked]:
    """The attacked images of one batch, which begins at `start` of its split, cell by cell; `keep`
    takes up what a killed run has left of the stages of an attack that has some.
    """
    needs = constant("attacks", sweep.kind, "NEEDS")
    if "place" in needs:
        sweep = sweep.handed(place=(split, start))
    if keep and "stages" in needs:
        sweep = sweep.handed(stages=keep)
    drawn = seed_of(study_seed, seed=seed, split=split, start=start, use="attack")
    return list(attack_cells(classifier, x, y, sweep=sweep, seed=drawn))


def joined(warnings: Iterable[str | None]) -> str | None:
    """What an attack warned of in any batch, each text once; None where it never warns."""
    found = [warning for warning in warnings if warning is not None]
    return " ".join(dict.fromkeys(filter(None, found))) if found else None


def known(clean: pd.DataFrame) -> dict[str, np.ndarray]:
    """What an attack may know of clean images, from their score rows: energies and the like of
    validation images.
    """
    rows = clean[clean["split"] == "validation"]
    return {name: rows[name].to_numpy(np.float64) for name in NAMES}


def _shard(item: str, job: AttackJob) -> dict[str, np.ndarray]:
    """The attacked images of one batch, one array per cell, and the passes per image."""
    name, start = item.split("-")
    part, span = job.parts[name], slice(int(start), int(start) + job.batch)
    x = to_float(torch.from_numpy(part.images[span])).to(job.used_device)
    y = torch.from_numpy(part.labels[span]).to(job.used_device)
    axes: dict[str, Any] = {"seed": job.seed, "split": name, "start": int(start)}
    axes |= {"study_seed": job.study_seed, "keep": shards.stages(job.out, item, _key(job))}
    results = attacked(job.classifier, x, y, sweep=job.cells, **axes)
    images = {str(cell): one.images.detach().cpu().numpy() for cell, one in enumerate(results)}
    counts = np.array([[one.forwards, one.backwards] for one in results])
    said = np.frombuffer(json.dumps([one.warning for one in results]).encode(), np.uint8)
    # counts [cells, n, 2]
    return images | {"counts": np.repeat(counts[:, None], len(y), axis=1), "warnings": said}


def _write(job: AttackJob, done: dict[str, dict[str, np.ndarray]]) -> None:
    cells, arrays, warnings = job.cells.cells(), {}, {}
    for name in job.parts:
        mine = [found for item, found in done.items() if item.split("-")[0] == name]
        for cell in range(len(cells)):
            arrays[f"{name}.{cell}"] = np.concatenate([found[str(cell)] for found in mine])
        arrays[f"{name}.counts"] = np.concatenate([found["counts"] for found in mine], axis=1)
        said = [json.loads(found["warnings"].tobytes()) for found in mine]
        warnings[name] = [joined(batches) for batches in zip(*said, strict=True)]
    facts = {"cells": cells, "axes": job.cells.axes(), "warnings": warnings}
    write_arrays(job.out, arrays, {name: json.dumps(value) for name, value in facts.items()})
    if job.first is None:
        return
    largest = job.cells.largest()
    few = to_bytes(arrays[f"{SHOWN_OF}.{largest}"][:SHOWN])
    write_arrays(job.first, {"images": few}, {"cell": json.dumps(cells[largest])})


def _told(job: AttackJob) -> dict[str, Any]:
    """What the attack is told, as it takes it: of clean images the scores of validation images."""
    found = dict(job.told)
    if "clean" in found:
        found["clean"] = known(read_rows(found["clean"]))
    return found


def _key(job: AttackJob) -> str:
    """What a shard must share with a run to be its own; threads too, for they decide the bytes."""
    data = [job.model.data / name for name in ("pool.safetensors", "splits.safetensors")]
    named = [Path(value) / "pool.safetensors" for value in _texts(job.sweep.get("options", {}))]
    data += [path for path in named if path.is_file()]  # of data sets that options name
    rows = job.told.get("learnt", {}).get("rows", {}).values()
    others = [job.told["clean"]] if "clean" in job.told else []
    others += [path for files in rows for path in files.values()]
    files = [shards.file_hash(path) for path in (*job.model.files(), *data, *others)]
    settings = [job.code, job.sweep, job.told, job.view, job.splits, job.study_seed, job.seed]
    settings += [job.batch, told(job.model), job.threads, str(job.dtype), job.used_device]
    return json.dumps([*settings, files])


def _texts(options: dict[str, Any]) -> list[str]:
    return [value for value in options.values() if isinstance(value, str)]
