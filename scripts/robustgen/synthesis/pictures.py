"""The first test images as attacks leave them, kept with the predicted classes: figures 2.3 to 2.8
of An Ju's thesis.

The images are attacked again, with the seed of the attack's own job but in a batch of their own and
without the attack's `view`; so they may differ from those that are scored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.attacks.cells import Cell, Sweep
from robustgen.attacks.sweep import run
from robustgen.attacks.takes import EPS, STEPS
from robustgen.core.literals import constant
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, joined, with_axes
from robustgen.core.seeds import generator
from robustgen.data.store import Images
from robustgen.measures.scores import distances, logits
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.first import first

ON = "model"
UNIT = "image"
KEYS: tuple[str, ...] = ()
LOOKS_AT = ("scores",)
OPTIONS = {
    "attacks": {
        "type": "attack",
        "several": True,
        "different": True,
        "means": "Attacks that are shown, each at its most steps, largest budget, and the first "
        "value of each other axis.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "up_to": ("test",),
        "means": "Test images that are shown, the first ones.",
    },
}
SPLIT = "test"


@dataclass(frozen=True)
class Kept:
    """One cell of an attack with its images [n,c,h,w]."""

    attack: str
    sweep: Sweep
    images: Tensor

    @property
    def cell(self) -> Cell:
        """The value of each axis."""
        return self.sweep.cells()[0]


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per attack and image; arrays `images` uint8 [m,c,h,w], `attacked` float32
    [a,m,c,h,w], `predictions` [1+a,m] of which the first are of clean images, `labels` and `index`
    [m], and as JSON in bytes `names` of the classes and `attacks`, what each of a is.
    """
    part = first(images, options["images"])
    kept = [_kept(name, classifier, part, context) for name in options["attacks"]]
    clean, labels = part.tensors()
    seen = [_predicted(classifier, x, context) for x in (clean, *(one.images for one in kept))]
    frames = [_rows(one, part, prediction) for one, prediction in zip(kept, seen[1:], strict=True)]
    told = [{"attack": one.attack, "norm": one.sweep.norm, **one.cell} for one in kept]
    arrays = {
        "images": part.images,
        "attacked": torch.stack([one.images for one in kept]).numpy(),
        "predictions": np.stack(seen),
        "labels": labels.numpy(),
        "index": part.index,
        "names": _bytes(part.names),
        "attacks": _bytes(told),
    }
    rows = joined(frames)
    return Measured(rows, arrays, axes=tuple(axes_of(rows)))


def shown(sweep: Sweep) -> Sweep:
    """The one cell that is shown: the most steps, the largest budget, of each other axis the first
    value.
    """
    chosen = {
        axis: (max(values) if axis in (EPS, STEPS) else values[0],)
        for axis, values in sweep.sweep.items()
    }
    return replace(sweep, sweep=chosen)


def _kept(name: str, classifier: Classifier, part: Images, context: Context) -> Kept:
    """The images under one cell of an attack, on the CPU."""
    sweep = shown(Sweep.of(context.attacks[name]))
    needs = set(constant("attacks", sweep.kind, "NEEDS"))
    if needs - {"place", "stages"}:
        raise Refused(
            f"Attack {name} is told of score rows, which pictures does not have; take it out of "
            "options.attacks of the measure."
        )
    found = [*_batches(sweep, "place" in needs, classifier, part, context)]
    return Kept(name, sweep, torch.cat(found))


def _batches(
    sweep: Sweep, placed: bool, classifier: Classifier, part: Images, context: Context
) -> Iterator[Tensor]:
    x, y = part.tensors()
    for start in range(0, len(part), context.batch):
        span = slice(start, start + context.batch)
        here = sweep.handed(place=(SPLIT, start)) if placed else sweep
        seed = context.seed(split=SPLIT, start=start, use="attack")
        given = x[span].to(context.device), y[span].to(context.device)
        (found,) = run(classifier, *given, sweep=here, seed=seed)
        yield found.images.detach().cpu()


def _predicted(classifier: Classifier, x: Tensor, context: Context) -> np.ndarray:
    """The predicted classes [n], of one fresh draw of a randomised classifier."""
    classifier.reseed(generator(context.seed(use="pictures")))
    z = logits(classifier, x, batch=context.batch, device=context.device)
    found: np.ndarray = z.argmax(dim=1).numpy()
    return found


def _rows(one: Kept, part: Images, prediction: np.ndarray) -> pd.DataFrame:
    named = {"attack": one.attack, **one.cell}
    columns = {"index": part.index, "label": part.labels, "prediction": prediction}
    frame = pd.DataFrame({**columns, **distances(one.images, part.tensors()[0])})
    return with_axes(frame.assign(**named)[[*named, *frame]], one.cell)


def _bytes(value: Any) -> np.ndarray:
    """JSON in bytes, in which Python writes an unbounded budget as Infinity and reads it again."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
