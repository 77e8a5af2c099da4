"""One job of the energy's landscape: the paths of attacks, and the planes that two attacks span
with an image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from robustgen.attacks.sweep import Sweep
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.core.seeds import seed_of
from robustgen.data.store import Images, read_split
from robustgen.measures.scores import logits
from robustgen.nets import device
from robustgen.nets.ready import ready
from robustgen.synthesis.plane import check_side, plane
from robustgen.synthesis.trajectories import path_rows, paths

SPLIT = "test"


@dataclass(frozen=True)
class LandscapeJob:
    """The settings of the command of the same name."""

    dataset: str
    model: str
    data: Path
    net: dict[str, Any]
    weights: Path
    attacks: dict[str, dict[str, Any]]  # two entries, in the order of the plane's axes
    images: int
    plane: int
    side: int
    study_seed: int
    seed: int
    device: str
    threads: int
    batch: int
    out: Path
    plane_out: Path


def run(job: LandscapeJob) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(rows of paths, rows of planes), everything in fp32."""
    specs = {name: cell(name, entry) for name, entry in job.attacks.items()}
    if len(specs) != 2:
        raise Refused(
            f"Two attacks span a plane, {len(specs)} were given ({', '.join(specs)}); name two "
            "in --attacks."
        )
    check_side(job.side)
    place = device.use(device=job.device, threads=job.threads)
    part = read_split(job.data, SPLIT, job.images)
    model = ready(job.weights, job.net, part, device=place)
    walked = {name: _walk(model, part, spec, job, place) for name, spec in specs.items()}
    axes = {"dataset": job.dataset, "model": job.model, "seed": job.seed}
    frames = [
        path_rows(
            model,
            found,
            part,
            batch=job.batch,
            device=place,
            axes=axes | _cell_axes(name, specs[name]),
        )
        for name, found in walked.items()
    ]
    ends = [found[specs[name].steps] for name, found in walked.items()]
    (first, one), (second, other) = specs.items()
    named = axes | {"first": first, "second": second, "first_eps": one.eps, "second_eps": other.eps}
    return pd.concat(frames, ignore_index=True), _planes(model, part, ends, job, place, named)


def cell(name: str, entry: dict[str, Any]) -> Spec:
    """The one cell of an attack entry that is followed: first eps, first weight that is not 0, most
    steps, one start.
    """
    sweep = Sweep.of(entry)
    if sweep.kind != "pgd":
        raise Refused(
            f"Attack {name} is of kind {sweep.kind!r}; only the path of kind 'pgd' is known step "
            "by step: name such a one."
        )
    weight = next(filter(None, sweep.weight), sweep.weight[0])
    return replace(
        replace(sweep, eps=sweep.eps[:1], weight=(weight,)).trajectories()[0], restarts=1
    )


def _cell_axes(name: str, spec: Spec) -> dict[str, Any]:
    return {"attack": name, "eps": spec.eps, "weight": spec.weight}


def _walk(
    model: nn.Module, part: Images, spec: Spec, job: LandscapeJob, place: str
) -> dict[int, Tensor]:
    """The images after each step, batch by batch from the seeds of the attack's own job; the same
    for all attacks.
    """
    x, y = part.tensors()
    found = []
    for start in range(0, len(part), job.batch):
        span, seed = (
            slice(start, start + job.batch),
            seed_of(job.study_seed, seed=job.seed, split=SPLIT, start=start, use="attack"),
        )
        generator = torch.Generator().manual_seed(seed)
        found.append(
            paths(model, x[span].to(place), y[span].to(place), spec=spec, generator=generator)
        )
    return {step: torch.cat([one[step].cpu() for one in found]) for step in found[0]}


def _planes(
    model: nn.Module,
    part: Images,
    ends: list[Tensor],
    job: LandscapeJob,
    place: str,
    axes: dict[str, Any],
) -> pd.DataFrame:
    """The planes of the first images that the classifier has right."""
    x, y = part.tensors()
    right = np.flatnonzero(
        (logits(model, x, batch=job.batch, device=place).argmax(dim=1) == y).numpy()
    )
    if not len(right):
        raise Refused(
            f"The classifier errs on all of {len(part)} images, and no plane starts at a right "
            "one; raise --images."
        )
    frames = []
    for k in right[: job.plane]:
        found = plane(
            model, x[k], ends[0][k], ends[1][k], side=job.side, batch=job.batch, device=place
        )
        found["region"] = np.array(part.names)[found["prediction"]]
        frames.append(
            pd.DataFrame(axes | {"index": part.index[k], "label": part.labels[k]} | found)
        )
    return pd.concat(frames, ignore_index=True)
