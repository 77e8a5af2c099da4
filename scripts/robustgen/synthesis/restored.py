"""Images restored by a classifier's gradients (Santurkar et al. 2019): a hole filled, a small image
enlarged, and an image found again from the net's features.

inpainting        CE(z(x), y) + 10 mean((x_0 - x)^2 outside of the hole), from the hole filled with
                  the image's mean colour, which is the baseline
super_resolution  CE(z(x), y) from the enlarged blocks of the small image; baseline: bicubic
representation    |R(x) - R(x_0)| / |R(x_0)| for the features R, from grey noise, the baseline
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.data.store import Images, bytes_of
from robustgen.measures.perceptual import by_pixel, compared
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.descent import Loss, Walk
from robustgen.synthesis.generated import finite, scores, wanted_loss
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "image"
AXES = ("task",)
SURROGATE = "surrogate of LPIPS by the judge"
KEPT = 10.0  # weight of the pixels around a hole
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 1,
        "default": 1000,
        "up_to": ("test",),
        "means": "Test images that are restored, the first ones.",
    },
    "hole": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "below_size": True,
        "means": "Side of the hole in pixels; its place is drawn.",
    },
    "inpainting_eps": {
        "type": "number",
        "above": 0,
        "default": 4.0,
        "means": "Radius of the ball.",
    },
    "inpainting_step": {"type": "number", "above": 0, "default": 0.1, "means": "Length of a step."},
    "inpainting_steps": {"type": "whole number", "least": 1, "default": 200, "means": "Steps."},
    "factor": {
        "type": "whole number",
        "least": 2,
        "default": 4,
        "means": "Factor by which images are reduced before they are enlarged.",
    },
    "super_resolution_eps": {
        "type": "number",
        "above": 0,
        "default": 2.5,
        "means": "Radius of the ball.",
    },
    "super_resolution_step": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "means": "Length of a step.",
    },
    "super_resolution_steps": {
        "type": "whole number",
        "least": 1,
        "default": 40,
        "means": "Steps.",
    },
    "representation_eps": {
        "type": "number",
        "above": 0,
        "default": 1000.0,
        "means": "Radius of the ball, so large that it does not bind.",
    },
    "representation_step": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "means": "Length of a step.",
    },
    "representation_steps": {"type": "whole number", "least": 1, "default": 500, "means": "Steps."},
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Images that are kept as pictures.",
    },
}


@dataclass(frozen=True)
class Task:
    """Where a task starts, what it goes down, and what its result is held against."""

    start: Tensor  # [n,c,h,w]
    baseline: Tensor  # [n,c,h,w]
    loss: Callable[[Tensor, Tensor, slice], Loss]  # (images, labels, which of them) -> loss
    counted: Tensor  # [n,1,h,w], 1 where pixels count for the PSNR


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per task and image: `psnr` in dB and `perceptual` distance from the original, and
    `judged`, whether the judge sees the label; each also of the baseline, with `_base`.

    PSNR of inpainting is of the hole. Perceptual distances are by the part `distance`, or those of
    LPIPS without learnt weights by the judge, a surrogate; `metric` says which. Arrays: `images`,
    `starts` and `restored` uint8 [tasks,m,c,h,w].
    """
    found = synthesizer(model)
    x, y = (part[: options["images"]] for part in images.tensors())
    tasks = _tasks(found, x, options, context)
    ends = {
        name: _restored(task, Walk.of(options, name), x, y, context) for name, task in tasks.items()
    }
    fine = finite(list(ends.values()), "restored image")
    index = images.index[: len(x)][fine.numpy()]
    frames = [
        _rows(found, task, ends[name], x, y, fine, context).assign(task=name, index=index)
        for name, task in tasks.items()
    ]
    shown = fine[: options["shown"]]
    kept = {
        "images": [x for _ in tasks],
        "starts": [task.start for task in tasks.values()],
        "restored": [ends[name] for name in tasks],
    }
    arrays = {
        name: np.stack([bytes_of(one[shown]) for one in several]) for name, several in kept.items()
    }
    rows = pd.concat(frames, ignore_index=True)
    metric = SURROGATE if found.distance is None else found.distance.name
    return Measured(rows.assign(metric=metric), arrays, axes=AXES)


def psnr(a: Tensor, b: Tensor, counted: Tensor) -> Tensor:
    """10 log10(1 / mean squared difference) [n] of images [n,c,h,w] over the counted pixels
    [n,1,h,w]; at most 100 dB.
    """
    squares = ((a - b).double().pow(2) * counted).sum(dim=(1, 2, 3))
    pixels = counted.sum(dim=(1, 2, 3)) * a.shape[1]
    return -10 * (squares / pixels).clamp_min(1e-10).log10()


def holes(n: int, *, size: int, side: int, source: torch.Generator) -> Tensor:
    """Masks [n,1,size,size], 1 in a square of that side at a uniform place."""
    corners = torch.randint(0, size - side + 1, (n, 2), generator=source)
    places = torch.arange(size)
    inside = (places >= corners[..., None]) & (places < corners[..., None] + side)  # [n,2,size]
    return (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None].float()


def _tasks(
    model: Synthesizer, x: Tensor, options: Mapping[str, Any], context: Context
) -> dict[str, Task]:
    source = generator(context.seed(use="restored"))
    return {
        "inpainting": _inpainting(model, x, options["hole"], source),
        "super_resolution": _super_resolution(model, x, options["factor"]),
        "representation": _representation(model, x, source),
    }


def _inpainting(model: Synthesizer, x: Tensor, side: int, source: torch.Generator) -> Task:
    hole = holes(len(x), size=x.shape[2], side=side, source=source)
    outside = 1 - hole
    colour = (x * outside).sum(dim=(2, 3), keepdim=True) / outside.sum(dim=(2, 3), keepdim=True)
    start = x * outside + colour * hole

    def loss(part: Tensor, y: Tensor, span: slice) -> Loss:
        kept, target = outside[span].to(part.device), wanted_loss(model.net, y)
        return lambda z: target(z) + KEPT * ((part - z).pow(2) * kept).mean(dim=(1, 2, 3))

    return Task(start, start, loss, hole)


def _super_resolution(model: Synthesizer, x: Tensor, factor: int) -> Task:
    if x.shape[2] % factor:
        raise Refused(f"Images of {x.shape[2]} pixels cannot be reduced {factor} times.")
    small = functional.avg_pool2d(x, factor)
    start = functional.interpolate(small, scale_factor=factor, mode="nearest")
    bicubic = functional.interpolate(small, size=x.shape[2:], mode="bicubic", antialias=False)

    def loss(_part: Tensor, y: Tensor, _span: slice) -> Loss:
        return wanted_loss(model.net, y)

    return Task(start, bicubic.clamp(0, 1), loss, torch.ones_like(x[:, :1]))


def _representation(model: Synthesizer, x: Tensor, source: torch.Generator) -> Task:
    noise = torch.randn(x.shape, generator=source)
    start = (noise / 20 + 0.5).clamp(0, 1)

    def loss(part: Tensor, _y: Tensor, _span: slice) -> Loss:
        with torch.no_grad():
            target = model.net.look(part)["features"]
        size = target.norm(dim=1).clamp_min(1e-12)
        return lambda z: (model.net.look(z)["features"] - target).norm(dim=1) / size

    return Task(start, start, loss, torch.ones_like(x[:, :1]))


def _restored(task: Task, walk: Walk, x: Tensor, y: Tensor, context: Context) -> Tensor:
    """The ends of the walks of all images, in batches."""
    spans = [slice(start, start + context.batch) for start in range(0, len(x), context.batch)]
    ends = []
    for span in spans:
        start, part, labels = (one[span].to(context.device) for one in (task.start, x, y))
        ends.append(walk.end(start, task.loss(part, labels, span)).cpu())
    return torch.cat(ends)


def _rows(
    model: Synthesizer,
    task: Task,
    end: Tensor,
    x: Tensor,
    y: Tensor,
    fine: Tensor,
    context: Context,
) -> pd.DataFrame:
    columns: dict[str, Any] = {"label": y[fine].numpy()}
    for ending, made in (("", end), ("_base", task.baseline)):
        columns |= {
            f"psnr{ending}": psnr(made[fine], x[fine], task.counted[fine]).numpy(),
            f"perceptual{ending}": _perceptual(model, made[fine], x[fine], context),
            f"judged{ending}": _judged(model, made[fine], y[fine], context),
        }
    return pd.DataFrame(columns)


@torch.no_grad()
def _perceptual(model: Synthesizer, a: Tensor, b: Tensor, context: Context) -> np.ndarray:
    """The distance [n] of two batches of images."""
    found = []
    for pair in zip(a.split(context.batch), b.split(context.batch), strict=True):
        x, original = (one.to(context.device) for one in pair)
        found.append(_distance(model, x, original).cpu())
    distances: np.ndarray = torch.cat(found).double().numpy()
    return distances


def _distance(model: Synthesizer, x: Tensor, original: Tensor) -> Tensor:
    """The perceptual distance [n] by the part `distance`, or by the judge where there is none."""
    if model.distance is not None:
        target = model.distance.target(original)
        return cast(Tensor, model.distance.parts(target, x).perceptual)
    features = (tuple(map(by_pixel, model.judge.taps(one))) for one in (x, original))
    return torch.stack(compared(*features)).sum(dim=0)


def _judged(model: Synthesizer, x: Tensor, y: Tensor, context: Context) -> np.ndarray:
    hits: np.ndarray = (scores(model.judge, x, context).argmax(dim=1) == y).numpy()
    return hits.astype(np.int64)
