"""Models of made data sets, as a job is told of them, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robustgen.core.files import write_json
from robustgen.data.store import Images
from robustgen.nets.spec import Model, Spec

COUNT = 4


def images_of(spec: Spec) -> Images:
    """Random images of the form of a spec."""
    shape = (COUNT, spec.channels, spec.size, spec.size)
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    index, names = np.arange(COUNT), tuple(f"class {k}" for k in range(spec.classes))
    return Images(images, index % spec.classes, index, names)


def model_of(
    folder: Path,
    spec: Spec,
    *,
    path: Path | None = None,
    parts: dict[str, Model] | None = None,
    draws: int = 1,
) -> Model:
    """A model of a spec, whose data set in `folder` says how many channels and classes it has."""
    images = images_of(spec)
    write_json(
        folder / "pool.json", {"shape": list(images.images.shape), "names": list(images.names)}
    )
    return Model(
        "mine",
        spec.kind,
        spec.options,
        spec.size,
        spec.mean,
        spec.std,
        folder,
        path,
        draws,
        parts or {},
    )
