"""How far a net's input gradient is the score of the images: its cosine with a denoiser's score.

A classifier's logits z give energies E(x) = -logsumexp z(x) and E(x,y) = -z_y(x), whose negative
gradients would be the scores grad log p(x) and grad log p(x | y), were it a generative model. A
denoiser that was trained on the same images estimates the score of x + sigma xi by Tweedie's
formula.

The score belongs to noisy images, which leave [0,1]; so they are handed to both networks as they
are, neither clamped nor checked. The noise is the same for every net.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.energies import gradients
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "image"
AXES = ("sigma",)
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 2,
        "default": 500,
        "means": "Test images that are looked at, the first ones; all if there are fewer.",
    },
    "sigmas": {
        "type": "number",
        "several": True,
        "different": True,
        "above": 0,
        "default": (0.05, 0.1, 0.25),
        "means": "Standard deviations of the noise, for pixels in [0,1]; within those that the "
        "denoiser was trained on.",
    },
}
Cosines = dict[str, Tensor]  # column -> float64 [n]; NaN where a gradient has no direction


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row per sigma and image: the denoiser's score's cosine with -grad E(x) (`marginal`), with
    -grad E(x,y) (`joint`), and with the way to the clean image (`clean`), which says how good the
    denoiser is.

    Images without a direction are left out; `left_out` says in every row of a sigma how many.
    """
    found = synthesizer(model)
    x, y = (part[: options["images"]] for part in images.tensors())
    named = {"index": images.index[: len(x)], "label": y.numpy()}
    frames = [
        _rows(_cosines(found, x, y, sigma, context), named, sigma) for sigma in options["sigmas"]
    ]
    rows = pd.concat(frames, ignore_index=True)
    if rows.empty:
        raise Refused(
            "Every input gradient is zero, infinite or NaN; train the net again, or ask for more "
            "images."
        )
    return Measured(rows, axes=AXES)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> / (|a| |b|) per image [n] in fp64; NaN where one is zero or not finite."""
    a, b = (_unit(one.double().flatten(1)) for one in (a, b))
    return (a * b).sum(dim=1)


def _unit(a: Tensor) -> Tensor:
    """a / |a| of rows [n,d], by the largest entry first, so that no square underflows."""
    a = a / a.abs().amax(dim=1, keepdim=True)
    return a / a.norm(dim=1, keepdim=True)


def _cosines(model: Synthesizer, x: Tensor, y: Tensor, sigma: float, context: Context) -> Cosines:
    """The cosines of all images at a sigma."""
    xi = torch.randn(x.shape, generator=generator(context.seed(use="score noise", sigma=sigma)))
    parts = [one.split(context.batch) for one in (x + sigma * xi, y, xi)]
    what, count = f"batches at sigma {sigma:g}", len(parts[0])
    batches = progress(zip(*parts, strict=True), total=count, what=what)
    told = []
    for part in batches:
        noisy, label, noise = (one.to(context.device) for one in part)
        told.append(_of_batch(model, noisy, label, noise, sigma))
    return {name: torch.cat([one[name] for one in told]).cpu() for name in told[0]}


def _of_batch(model: Synthesizer, x: Tensor, y: Tensor, xi: Tensor, sigma: float) -> Cosines:
    with torch.no_grad():
        score = model.part("denoiser").score(x, sigma)
    marginal, joint = gradients(model.net, x, y)
    return {
        "marginal": cosine(-marginal, score),
        "joint": cosine(-joint, score),
        "clean": cosine(-xi, score),
    }


def _rows(cosines: Cosines, named: Mapping[str, Any], sigma: float) -> pd.DataFrame:
    there = torch.stack([*cosines.values()]).isfinite().all(dim=0).numpy()
    lost = int((~there).sum())
    if lost:
        said = f"left out at sigma {sigma:g}, for a gradient is zero, infinite or NaN: {lost} of"
        print(f"{said} {len(there)} images", file=sys.stderr, flush=True)
    columns = {name: values.numpy() for name, values in cosines.items()}
    return pd.DataFrame({"sigma": float(sigma), **named, "left_out": lost, **columns})[there]
