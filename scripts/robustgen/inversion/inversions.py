"""The inversion of test images by every class, for several weights of the regulariser, variants and
numbers of steps: the terms of each objective as rows, and the reconstructions and codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.data.store import Images
from robustgen.inversion.inverting import Inverting
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "image x class"
LOOKS_AT = ("codes",)
AXES = ("lambda_", "plus", "steps")
TERMS = ("pixels", "perceptual", "strength", "total")
OPTIONS = {
    "lambda_": {
        "type": "number",
        "several": True,
        "least": 0,
        "rising": True,
        "default": (0.1, 1.0, 10.0),
        "means": "Weights of the regulariser.",
    },
    "plus": {
        "type": "true or false",
        "several": True,
        "default": (False, True),
        "means": "Without and with further codes, one for each place where a code enters.",
    },
    "steps": {
        "type": "whole number",
        "several": True,
        "least": 0,
        "rising": True,
        "default": (100,),
        "means": "Steps of Adam; each count is a search of its own, for the learning rate follows "
        "it.",
    },
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 1000,
        "up_to": ("test",),
        "means": "Test images that are inverted, the first ones.",
    },
}


@dataclass(frozen=True)
class Cell:
    """One setting of the search."""

    lambda_: float
    plus: bool
    steps: int


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Rows per cell, image and class: the terms of the objective and the code's squared norm, and
    `typical`, the mean perceptual distance of an image from the next one, and the name of the
    distance.

    Arrays: `images` uint8 [n,c,h,w], `reconstructions` uint8 [cells,n,K,c,h,w], `codes` float32
    [cells,n,K,d], `labels` and `index` [n], and `cells` as JSON in bytes.
    """
    model, x, y = inverting(classifier), *_first(images, options["images"])
    cells = cells_of(options)
    typical = _typical(model, x.to(context.device))
    frames, pictures, codes = [], [], []
    for cell in progress(cells, total=len(cells), what="settings of the search", last=False):
        view = model.view(lambda_=cell.lambda_, plus=cell.plus, steps=cell.steps)
        terms, drawn, z = _inverted(view, x.to(context.device))
        frames.append(_rows(cell, terms, z, y.numpy(), images.index[: len(x)]))
        pictures.append(drawn)
        codes.append(z)
    told = {"typical": typical, "metric": model.distance.name}
    rows = pd.concat(frames, ignore_index=True).assign(**told)
    arrays = {
        "images": images.images[: len(x)],
        "reconstructions": np.stack(pictures),
        "codes": np.stack(codes),
        "labels": y.numpy(),
        "index": images.index[: len(x)],
        "cells": np.frombuffer(json.dumps([vars(cell) for cell in cells]).encode(), np.uint8),
    }
    return Measured(rows, arrays, axes=AXES)


def inverting(classifier: Classifier) -> Inverting:
    """The classifier, refused where it is none by inversion."""
    if not isinstance(classifier, Inverting):
        raise Refused("Inversions are measured on models of kind inversion alone.")
    return classifier


def cells_of(options: Mapping[str, Any]) -> list[Cell]:
    """All settings of the search, in the order of the arrays."""
    axes = (options["steps"], options["plus"], options["lambda_"])
    return [Cell(float(lambda_), plus, steps) for steps, plus, lambda_ in product(*axes)]


def _first(images: Images, count: int) -> tuple[Tensor, Tensor]:
    x, y = images.tensors()
    return x[:count], y[:count]


@torch.no_grad()
def _typical(model: Inverting, x: Tensor) -> float:
    """The mean perceptual distance of images from the next ones."""
    target = model.distance.target(x)
    return float(model.distance.parts(target, x.roll(1, dims=0)).perceptual.mean())


@torch.no_grad()
def _inverted(model: Inverting, x: Tensor) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """(terms [n,K] by name, reconstructions uint8 [n,K,c,h,w], codes [n,K,d])."""
    found = model.chunks(x)
    terms = {name: np.concatenate([_array(getattr(one, name)) for one in found]) for name in TERMS}
    drawn = np.concatenate([bytes_of(one.images) for one in found])
    return terms, drawn, np.concatenate([_array(one.codes) for one in found])


def bytes_of(images: Tensor) -> np.ndarray:
    """Images in [0,1] as whole numbers of 0 to 255."""
    found: np.ndarray = (images.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    return found


def _array(tensor: Tensor) -> np.ndarray:
    found: np.ndarray = tensor.float().cpu().numpy()
    return found


def _rows(
    cell: Cell, terms: dict[str, np.ndarray], codes: np.ndarray, y: np.ndarray, index: np.ndarray
) -> pd.DataFrame:
    n, k = terms["total"].shape
    named = {"index": np.repeat(index, k), "label": np.repeat(y, k), "class": np.tile(range(k), n)}
    norms = (codes.astype(np.float64) ** 2).sum(axis=2).ravel()
    columns = {name: values.ravel() for name, values in terms.items()}
    return pd.DataFrame({**vars(cell), **named, **columns, "norm": norms})


def cells_in(arrays: Mapping[str, np.ndarray]) -> Iterator[Cell]:
    """The cells that arrays of this measure hold, in their order."""
    yield from (Cell(**told) for told in json.loads(arrays["cells"].tobytes()))
