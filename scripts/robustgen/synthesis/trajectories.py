"""Paths of clean test images under attacks, in the plane of E(x) and E(x,y)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from robustgen.core.rows import axes_of, joined, with_axes
from robustgen.data.store import Images
from robustgen.measures.energy import energy, joint_energy
from robustgen.measures.scores import logits
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.first import first
from robustgen.synthesis.paths import walk, walked

ON = "model"
UNIT = "image"
KEYS = ("step",)
LOOKS_AT = ("scores",)
OPTIONS = {
    "attacks": {
        "type": "attack",
        "several": True,
        "different": True,
        "means": "Attacks whose paths are followed, of a kind that is known step by step.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 24,
        "up_to": ("test",),
        "means": "Test images that are followed.",
    },
}
# the step of the clean image; step 0 is where the attack starts, at random or at the clean image
CLEAN = -1


def measure(
    classifier: Classifier, images: Images, *, options: dict[str, Any], context: Context
) -> Measured:
    """One row per attack, image and step, everything in fp32."""
    part, frames = first(images, options["images"]), []
    for of in (walk(name, context.attacks[name]) for name in options["attacks"]):
        at = range(of.spec.steps + 1)
        path = {CLEAN: part.tensors()[0]}
        path |= walked(classifier, part, of, at=at, context=context)
        cell = {"attack": of.attack, **of.axes}
        frame = path_rows(classifier, path, part, batch=context.batch, device=context.device)
        frames.append(with_axes(_after(cell, frame), of.axes))
    rows = joined(frames)
    return Measured(rows, axes=tuple(axes_of(rows)))


def path_rows(
    classifier: Classifier, path: Mapping[int, Tensor], part: Images, *, batch: int, device: str
) -> pd.DataFrame:
    """One row per image and step: E(x), E(x,y) and the class that is predicted."""
    y, frames = torch.from_numpy(part.labels), []
    for step, x in path.items():
        z = logits(classifier, x, batch=batch, device=device)
        columns = {
            "index": part.index,
            "label": part.labels,
            "step": step,
            "energy": energy(z).numpy(),
            "energy_y": joint_energy(z, y).numpy(),
            "prediction": z.argmax(dim=1).numpy(),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _after(cell: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """The rows behind the columns that name their cell."""
    return frame.assign(**cell)[[*cell, *frame]]
