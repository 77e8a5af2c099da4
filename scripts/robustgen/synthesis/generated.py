"""Images that a classifier's gradients make: class by class from draws of a normal law, and from
real images of other classes (Santurkar et al. 2019).

`generation` starts at draws of each class's normal law, `image_to_image` at test images of the
class before the wanted one. Both take steps against the gradient of CE(z(x), wanted).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.data.store import Images, bytes_of
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.class_seeds import class_seeds, wanted_classes
from robustgen.synthesis.descent import Loss, Walk
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "image"
AXES = ("task",)
TASKS = ("generation", "image_to_image")
MOMENTS = 7  # of the way of an image that are kept
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 2,
        "default": 1000,
        "means": "Images that are made in each task, the classes in turn.",
    },
    "classes": {
        "type": "whole number",
        "several": True,
        "different": True,
        "least": 0,
        "default": (),
        "means": "Classes that are made, counted from 0; all where the list is empty.",
    },
    "grain": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Side of the blocks of pixels over which the class's normal law is fitted.",
    },
    "eps": {
        "type": "number",
        "above": 0,
        "default": 30.0,
        "means": "Radius of the Euclidean ball around the start.",
    },
    "step": {"type": "number", "above": 0, "default": 0.5, "means": "Length of a step."},
    "steps": {"type": "whole number", "least": 1, "default": 60, "means": "Steps."},
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Images whose way over the steps is kept as pictures.",
    },
}


@dataclass(frozen=True)
class Made:
    """What one task made."""

    start: Tensor  # [n,c,h,w]
    end: Tensor  # [n,c,h,w]
    way: np.ndarray  # uint8 [m,MOMENTS,c,h,w] of the first ones


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per task and image: `probability` of the wanted class by the net, `judged`, whether
    the judge sees it, `judged_before`, whether it sees it at the start, and `moved`, the distance.

    Images that end in NaN are named and left out. Arrays: `made` and `starts`
    uint8 [tasks,n,c,h,w], `way` uint8 [tasks,m,7,c,h,w], `labels` [n].
    """
    found = synthesizer(model)
    x, y = images.tensors()
    wanted = wanted_classes(found.classes, tuple(options["classes"]), y, options["images"])
    starts = _starts(x, y, wanted, options, context)
    tasks = [_made(found, start, wanted, options, context) for start in starts]
    fine = finite([one.end for one in tasks], "made image")
    frames = [
        _rows(found, one, wanted, fine, context).assign(task=task)
        for task, one in zip(TASKS, tasks, strict=True)
    ]
    arrays = {
        "made": np.stack([bytes_of(one.end[fine]) for one in tasks]),
        "starts": np.stack([bytes_of(one.start[fine]) for one in tasks]),
        "way": np.stack([one.way for one in tasks]),
        "labels": wanted[fine].numpy(),
    }
    return Measured(pd.concat(frames, ignore_index=True), arrays, axes=AXES)


def wanted_loss(net: Classifier, wanted: Tensor) -> Loss:
    """CE(z(x), wanted) per image."""
    return lambda x: cross_entropy(net(x), wanted, reduction="none")


def finite(ends: list[Tensor], what: str) -> Tensor:
    """The places of images that are finite in all of `ends`; the others are named and left out."""
    fine = torch.stack([one.flatten(1).isfinite().all(dim=1) for one in ends]).all(dim=0)
    if not fine.any():
        raise Refused(f"Every {what} ends in NaN; train the net again, or lower the step.")
    if not fine.all():
        left = ", ".join(map(str, torch.nonzero(~fine)[:, 0].tolist()))
        print(f"left out, for it ends in NaN: {what} {left}", file=sys.stderr, flush=True)
    return torch.nonzero(fine)[:, 0]


def _starts(
    x: Tensor, y: Tensor, wanted: Tensor, options: Mapping[str, Any], context: Context
) -> list[Tensor]:
    """The starts of both tasks, the same for every net."""
    source = generator(context.seed(use="class seeds"))
    drawn = class_seeds(x, y, wanted, grain=options["grain"], generator=source)
    return [drawn, x[_of_other_classes(y, wanted)]]


def _of_other_classes(y: Tensor, wanted: Tensor) -> Tensor:
    """For each wanted class the place of an image of another one, in turn."""
    places = []
    for number, k in enumerate(wanted.tolist()):
        others = torch.nonzero(y != k)[:, 0]
        if not len(others):
            raise Refused("image_to_image needs test images of two classes; raise evaluate.test.")
        places.append(int(others[number % len(others)]))
    return torch.tensor(places)


def _made(
    model: Synthesizer,
    start: Tensor,
    wanted: Tensor,
    options: Mapping[str, Any],
    context: Context,
) -> Made:
    walk, shown = Walk.of(options), options["shown"]
    kept = {round(one) for one in np.linspace(0, walk.steps, MOMENTS)}
    ends: list[Tensor] = []
    way: list[np.ndarray] = []
    pairs = [*zip(start.split(context.batch), wanted.split(context.batch), strict=True)]
    for a, b in progress(pairs, total=len(pairs), what="batches of images"):
        x, k = a.to(context.device), b.to(context.device)
        for number, point in enumerate(walk.path(x, wanted_loss(model.net, k))):
            if not ends and number in kept:
                way.append(bytes_of(point[:shown]))
        ends.append(point.cpu())
    moments = np.linspace(0, len(way) - 1, MOMENTS).round().astype(int)
    return Made(start, torch.cat(ends), np.stack([way[one] for one in moments], axis=1))


def _rows(
    model: Synthesizer, one: Made, wanted: Tensor, fine: Tensor, context: Context
) -> pd.DataFrame:
    start, end, k = one.start[fine], one.end[fine], wanted[fine]
    probability = scores(model.net, end, context).softmax(dim=1).gather(1, k[:, None])[:, 0]
    columns = {
        "index": fine.numpy(),
        "label": k.numpy(),
        "probability": probability.double().numpy(),
        "judged": _judged(model, end, k, context),
        "judged_before": _judged(model, start, k, context),
        "moved": (end - start).flatten(1).norm(dim=1).double().numpy(),
    }
    return pd.DataFrame(columns)


def _judged(model: Synthesizer, x: Tensor, k: Tensor, context: Context) -> np.ndarray:
    """1 where the judge sees the class."""
    hits: np.ndarray = (scores(model.judge, x, context).argmax(dim=1) == k).numpy()
    return hits.astype(np.int64)


@torch.no_grad()
def scores(net: Classifier, x: Tensor, context: Context) -> Tensor:
    """The scores [n,K] of images, in batches, on the CPU."""
    return torch.cat([net(one.to(context.device)).cpu() for one in x.split(context.batch)])
