"""What the tests of synthesis share: small nets with random weights, images, and a context."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.core.rows import with_axes, write_rows
from robustgen.core.seeds import seed_of
from robustgen.core.tensors import write_arrays
from robustgen.data.store import Images
from robustgen.gan.types import Features, Frozen, Generator
from robustgen.jobs.measure import identified
from robustgen.measures.types import Context, Measured
from robustgen.nets import vgg
from robustgen.nets.classifier import Normalize, Plain
from robustgen.synthesis.synthesizer import Synthesizer

SIZE, CLASSES = 8, 3
NETS = {"first": "standard", "second": "adversarial"}


def plain(seed: int) -> Plain:
    """A net with random weights."""
    torch.manual_seed(seed)
    net = vgg.build(channels=3, classes=CLASSES, size=SIZE, convolutions=(1, 1), width=4)
    return Plain(nn.Sequential(Normalize((0.5,) * 3, (0.25,) * 3), net.eval()))


class Coloured(Generator):
    """Images of one colour per class, with the first dimension of the code as brightness."""

    latent, slots, classes = 4, 1, CLASSES
    features: Features

    def forward(self, z: Tensor, y: Tensor, extra: Tensor | None = None) -> Tensor:
        del extra
        colours = torch.eye(3)[y] * 0.8 + 0.1 * torch.sigmoid(z[:, :1])
        return colours[:, :, None, None].expand(-1, -1, SIZE, SIZE).clone()


def synthesizer_of(seed: int = 0, **parts: Any) -> Synthesizer:
    """A synthesizer of two nets with random weights."""
    nets = {"net": plain(seed), "judge": plain(seed + 100)}
    return Synthesizer(nets | parts, classes=CLASSES)


def images(n: int = 24) -> Images:
    """Random images of three classes in turn."""
    source = np.random.default_rng(0)
    drawn = source.integers(0, 255, (n, 3, SIZE, SIZE), dtype=np.uint8)
    return Images(drawn, np.arange(n) % CLASSES, np.arange(100, 100 + n), ("a", "b", "c"))


class Bright(Frozen):
    """A segmenter by which bright pixels lie on the object."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1) - 0.5


def masked(n: int = 12) -> Images:
    """Random images, of which image k has a mask of k x k pixels, at most 4 x 4, off the corner."""
    masks = np.zeros((n, SIZE, SIZE), np.uint8)
    for k in range(n):
        masks[k, 1 : 1 + min(k, 4), 1 : 1 + min(k, 4)] = 1
    return replace(images(n), masks=masks)


def context() -> Context:
    """A context as a job gives it."""
    return Context(partial(seed_of, 0, seed=0), {}, 7, "cpu")


def options(module: Any, **told: Any) -> dict[str, Any]:
    """The options of a measure with their defaults."""
    return {name: option["default"] for name, option in module.OPTIONS.items()} | told


def spec(**told: Any) -> dict[str, Any]:
    """What an output is told of two synthesizers."""
    facts = {
        name: {
            "dataset": "signs", "merged": [], "published": "", "kind": "synthesizer",
            "family": name, "options": {}, "objective": {"kind": "own weights"},
            "parts": {"net": f"{name}_net", "judge": "judge", "generator": "gan"},
            "part_objectives": {"net": {"kind": "adversarial", "norm": "l2", "eps": 0.05}
                                if kind == "adversarial" else {"kind": kind}},
        }
        for name, kind in NETS.items()
    }  # fmt: skip
    return {"models": facts, "attacks": {}, "detectors": {}, "options": told}


def written(folder: Path, kind: str, unit: str, keys: tuple[str, ...], found: Measured,
            model: str) -> list[str]:  # fmt: skip
    """The files of a measure of a model, as a job writes them."""
    place = folder / f"measures/{model}/seed0/clean/{kind}"
    place.mkdir(parents=True)
    axes = {"dataset": "signs", "model": model, "seed": 0, "attack": "clean"}
    rows = identified(found.rows.assign(split="test"), axes)
    write_rows(place / "rows.parquet", with_axes(rows, found.axes), unit=unit, axes=found.axes,
               keys=keys)  # fmt: skip
    write_arrays(place / "arrays.safetensors", found.arrays)
    return [str(place / "rows.parquet"), str(place / "arrays.safetensors")]
