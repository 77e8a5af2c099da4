"""Images that a study keeps: the first attacked ones of each attack, and the few that a measure
keeps beside its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.core.files import BadFile
from robustgen.core.rows import CLEAN
from robustgen.core.tensors import read_meta
from robustgen.data.store import to_bytes
from robustgen.study.flow import Job
from robustgen.study.plan import Plan

SPLIT = "test"
PANEL = {"images", "attacked", "predictions", "labels", "index", "attacks"}  # of a measure's arrays


@dataclass(frozen=True)
class Kept:
    """The first test images of a model under one cell of an attack."""

    model: str
    seed: str
    attack: str
    cell: dict[str, Any]  # axis -> value
    images: np.ndarray  # uint8 [n,c,h,w]
    clean: np.ndarray  # uint8 [n,c,h,w]
    index: np.ndarray  # int64 [n], their places in the data set
    # int64 [2,n] of the clean and the attacked images; None where rows of these very images tell
    predictions: np.ndarray | None = None


def kept(plan: Plan, jobs: list[Job], count: int) -> list[Kept]:
    """The kept images of the first repetition, of each model and attack that outputs show; those
    of a measure where there is no such attack.
    """
    found: dict[tuple[str, str], Kept] = {}
    for one in (*_attacked(plan, jobs, count), *_measured(plan, jobs, count)):
        if len(one.images):
            found.setdefault((one.model, one.attack), one)
    order = _models(plan)
    return sorted(found.values(), key=lambda one: order.index(one.model))


def _models(plan: Plan) -> list[str]:
    """The models in the order in which outputs name them, then all others."""
    shown = {**plan.study.tables, **plan.study.figures}
    named = (model for name in plan.study.outputs for model in shown[name].models)
    return list(dict.fromkeys([*named, *plan.study.models]))


def _first(plan: Plan, jobs: list[Job], rule: str) -> Iterator[dict[str, str]]:
    """The axes of the jobs of a rule in the first repetition."""
    axes = (dict(job.axes) for job in jobs if job.rule == rule)
    return (one for one in axes if one["seed"] == str(plan.study.seeds[0]))


def _attacked(plan: Plan, jobs: list[Job], count: int) -> Iterator[Kept]:
    """What each attack keeps, at its largest budget and most steps."""
    for axes in _first(plan, jobs, "score"):
        named = axes["model"], axes["seed"], axes["attack"]
        path = Path(plan.first(*named)) if axes["attack"] != CLEAN else None
        if path and (cell := read_meta(path).get("cell")):
            with suppress(BadFile):  # which the page tells where it tells what is missing
                images = part(path, "images", count)
                clean, index = _clean(Path(plan.graph.data(axes["model"])), len(images))
                yield Kept(*named, json.loads(cell), images, clean, index)


def _measured(plan: Plan, jobs: list[Job], count: int) -> Iterator[Kept]:
    """What a measure keeps of attacks that it made itself, with the predictions."""
    for axes in _first(plan, jobs, "measure"):
        named = [axes[name] for name in ("model", "seed", "attack", "measure")]
        path = Path(plan.measured(*named)[1])
        with suppress(BadFile):
            arrays = {name: part(path, name, None) for name in PANEL}
            yield from _of_panel(named[0], named[1], arrays, count)


def _of_panel(model: str, seed: str, arrays: dict[str, np.ndarray], count: int) -> Iterator[Kept]:
    """One per attack of a measure's arrays."""
    first, predicted = slice(count), arrays["predictions"]
    for place, told in enumerate(json.loads(arrays["attacks"].tobytes())):
        yield Kept(
            model,
            seed,
            told["attack"],
            {axis: value for axis, value in told.items() if axis not in ("attack", "norm")},
            to_bytes(arrays["attacked"][place][first]),
            to_bytes(arrays["images"][first]),
            arrays["index"][first],
            predicted[[0, 1 + place]][:, first],
        )


def part(path: Path, name: str, count: int | None) -> np.ndarray:
    """The first entries of an array of a safetensors file, all where `count` is None; the rest is
    not read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            array = file.get_slice(name)
            length = array.get_shape()[0]
            found: np.ndarray = array[: length if count is None else min(count, length)]
    except (SafetensorError, OSError) as error:
        raise BadFile(f"{path} cannot be read: {error}.") from error
    return found


def _clean(folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(the first test images of a data set, their places in it)."""
    from safetensors import SafetensorError, safe_open

    index = part(folder / "splits.safetensors", SPLIT, count)
    try:
        with safe_open(folder / "pool.safetensors", framework="numpy") as file:
            pool = file.get_slice("images")
            return to_bytes(np.concatenate([pool[int(k) : int(k) + 1] for k in index])), index
    except (SafetensorError, OSError) as error:
        raise BadFile(f"{folder / 'pool.safetensors'} cannot be read: {error}.") from error
