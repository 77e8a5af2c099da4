"""A small net and the images that it knows."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from robustgen.data.store import Images
from robustgen.detect import lid as lid_detector
from robustgen.measures.types import PerImage, Reference
from robustgen.nets import weights
from robustgen.nets.classifier import Plain
from robustgen.nets.spec import Spec

SPEC = Spec("resnet", 1, 3, 16, (0.5,), (0.25,), {"width": 4, "blocks": [1, 1], "dropout": 0.3})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net(**options: Any) -> Plain:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spec = replace(SPEC, options={**SPEC.options, **options})
        return Plain(weights.untrained(spec).eval())


def images(n: int = 60, classes: int = 3) -> Images:
    rng = np.random.default_rng(0)
    names = ("stop", "yield", "limit")
    return Images(
        rng.integers(0, 256, (n, 1, 16, 16), dtype=np.uint8),
        np.arange(n) % classes,
        np.arange(n),
        names,
    )


def reference(**changes: Any) -> Reference:
    return Reference(net(), replace(images(), **changes), batch=16, device="cpu")


def lids(known: Reference, **options: int) -> PerImage:
    return lid_detector.measure(known.model, known, options=options, generator=generator())
