"""How far reconstructions are from real images of their class: in-domain and out-of-domain FID
(eq. 3.8 to 3.10 of An Ju's thesis), and KID, per class and setting of the search.

For a class y, the in-domain images are the reconstructions in y of test images of y, the
out-of-domain images those of as many test images of other classes, drawn once. Both are compared
with the same real images of y, so that the sets have the same size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.data.store import Images, to_float
from robustgen.gan.types import Features
from robustgen.inversion.inversions import AXES, cells_in, inverting
from robustgen.measures.frechet import LEAST, frechet
from robustgen.measures.kid import kid
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier

ON = "model"
UNIT = "set"
LOOKS_AT = ("codes",)
MADE_FROM = ("inversions",)
OPTIONS: dict[str, dict[str, object]] = {}


def measure(
    classifier: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per cell and class: fid and kid of both sets, their gaps, n of each set, and which
    features they are of.
    """
    del images, options
    features = inverting(classifier).generator.features
    arrays = context.given["inversions"].arrays
    labels = arrays["labels"]
    real = seen(features, arrays["images"], context)
    rows = []
    for cell, drawn in zip(cells_in(arrays), arrays["reconstructions"], strict=True):
        for k in classes_of(labels, drawn.shape[1]):
            inside, outside = sides(labels, k, context)
            sets = [seen(features, drawn[part, k], context) for part in (inside, outside)]
            rows.append({**vars(cell), "class": k, **_compared(real[inside], *sets)})
    return Measured(pd.DataFrame(rows).assign(**features.facts()), axes=AXES)


def classes_of(labels: np.ndarray, classes: int) -> Iterator[int]:
    """The classes with enough test images, refused where there is none."""
    enough = [k for k in range(classes) if (labels == k).sum() >= LEAST]
    if not enough:
        raise Refused(
            f"No class has {LEAST} inverted test images; raise the option images of inversions."
        )
    yield from enough


def sides(labels: np.ndarray, k: int, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """(places of images of class k, of equally many others)."""
    inside = np.flatnonzero(labels == k)
    others = np.flatnonzero(labels != k)
    source = generator(context.seed(use="out of domain"))
    order = torch.randperm(len(others), generator=source).numpy()
    return inside, np.sort(others[order[: len(inside)]])


@torch.no_grad()
def seen(features: Features, images: np.ndarray, context: Context) -> np.ndarray:
    """The features [n,d] of images uint8 [n,c,h,w]."""
    parts = to_float(torch.from_numpy(images)).split(context.batch)
    found = [features(part.to(context.device)).features.float().cpu() for part in parts]
    return torch.cat(found).numpy()


def _compared(real: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    found: dict[str, float] = {"n": min(len(inside), len(outside))}
    for name, distance in (("fid", frechet), ("kid", kid)):
        near, far = distance(inside, real), distance(outside, real)
        found |= {f"{name}_in": near, f"{name}_out": far, f"{name}_gap": far - near}
    return found
