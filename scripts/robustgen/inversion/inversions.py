"""The inversion of test images by every class, for several weights of the regulariser, variants and
numbers of steps: the terms of each objective as rows, and the reconstructions and codes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.data.store import Images, bytes_of
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


@dataclass(frozen=True)
class Inverted:
    """All images in one cell."""

    terms: dict[str, np.ndarray]  # [n,K] by name
    drawn: np.ndarray  # uint8 [n,K,c,h,w]
    codes: np.ndarray  # [n,K,d]


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Rows per cell, image and class: the terms of the objective and the code's squared norm;
    `typical`, the mean perceptual distance of an image from the next one; the name of the distance;
    and `passes`, those forwards for all classes of an image.

    An image whose search ends in NaN is named and left out. Arrays: `images` uint8 [n,c,h,w],
    `reconstructions` uint8 [cells,n,K,c,h,w], `codes` float32 [cells,n,K,d], `labels` and `index`
    [n], and `cells` as JSON in bytes.
    """
    model, (x, y) = inverting(classifier), (part[: options["images"]] for part in images.tensors())
    cells, x = cells_of(options), x.to(context.device)
    views = [model.view(**vars(cell)) for cell in cells]
    shown = progress(views, total=len(views), what="settings of the search", last=False)
    found = [_inverted(view, x) for view in shown]
    index = images.index[: len(x)]
    finite = finite_in([one.terms["total"] for one in found], index)
    typical = {"typical": _typical(model, x[finite]), "metric": model.distance.name}
    frames = [
        _rows(cell, one, y.numpy(), index, finite).assign(passes=view.passes_each())
        for cell, view, one in zip(cells, views, found, strict=True)
    ]
    arrays = {
        "images": images.images[: len(x)][finite],
        "reconstructions": np.stack([one.drawn[finite] for one in found]),
        "codes": np.stack([one.codes[finite] for one in found]),
        "labels": y.numpy()[finite],
        "index": index[finite],
        "cells": np.frombuffer(json.dumps([vars(cell) for cell in cells]).encode(), np.uint8),
    }
    return Measured(pd.concat(frames, ignore_index=True).assign(**typical), arrays, axes=AXES)


def inverting(classifier: Classifier) -> Inverting:
    """The classifier, refused where it is none by inversion."""
    if not isinstance(classifier, Inverting):
        raise Refused("Inversions are measured on models of kind inversion alone.")
    return classifier


def cells_of(options: Mapping[str, Any]) -> list[Cell]:
    """All settings of the search, in the order of the arrays."""
    axes = (options["steps"], options["plus"], options["lambda_"])
    return [Cell(float(lambda_), plus, steps) for steps, plus, lambda_ in product(*axes)]


@torch.no_grad()
def _typical(model: Inverting, x: Tensor) -> float:
    """The mean perceptual distance of images from the next ones."""
    target = model.distance.target(x)
    return float(model.distance.parts(target, x.roll(1, dims=0)).perceptual.mean())


@torch.no_grad()
def _inverted(model: Inverting, x: Tensor) -> Inverted:
    chunks = model.chunks(x)
    terms = {name: np.concatenate([_array(getattr(one, name)) for one in chunks]) for name in TERMS}
    drawn = np.concatenate([bytes_of(one.images) for one in chunks])
    return Inverted(terms, drawn, np.concatenate([_array(one.codes) for one in chunks]))


def finite_in(totals: Sequence[np.ndarray], index: np.ndarray) -> np.ndarray:
    """The places of images whose objectives [n,K] are finite numbers in every search and class; the
    others are named and left out.
    """
    fine = np.all([np.isfinite(total).all(axis=1) for total in totals], axis=0)
    if not fine.any():
        raise Refused("The search gives NaN or infinite objectives for every image; lower its lr.")
    if not fine.all():
        left = ", ".join(map(str, index[~fine]))
        told = f"left out, for their objective is NaN or infinite: test images {left}"
        print(told, file=sys.stderr, flush=True)
    return np.flatnonzero(fine)


def _array(tensor: Tensor) -> np.ndarray:
    found: np.ndarray = tensor.float().cpu().numpy()
    return found


def _rows(
    cell: Cell, one: Inverted, y: np.ndarray, index: np.ndarray, kept: np.ndarray
) -> pd.DataFrame:
    k, y, index = one.codes.shape[1], y[kept], index[kept]
    pairs = {"index": np.repeat(index, k), "label": np.repeat(y, k)}
    pairs["class"] = np.tile(np.arange(k), len(kept))
    columns = {name: values[kept].ravel() for name, values in one.terms.items()}
    norms = (one.codes[kept].astype(np.float64) ** 2).sum(axis=2).ravel()
    return pd.DataFrame({**vars(cell), **pairs, **columns, "norm": norms})


def cells_in(arrays: Mapping[str, np.ndarray]) -> Iterator[Cell]:
    """The cells that arrays of this measure hold, in their order."""
    yield from (Cell(**told) for told in json.loads(arrays["cells"].tobytes()))
