"""A generator's samples, refined by a classifier's gradients towards their class (BIGRoC, Ganz and
Elad 2021): FID, KID and the judge's opinion before and after, of the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.seeds import generator as generator_of
from robustgen.data.store import Images, bytes_of
from robustgen.gan.types import prior
from robustgen.inversion.inversion_fid import seen
from robustgen.measures.types import Context, Measured
from robustgen.nets.classifier import Classifier
from robustgen.synthesis.descent import Walk
from robustgen.synthesis.generated import finite, scores, wanted_loss
from robustgen.synthesis.sets_compared import compared, parts_of
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer

ON = "model"
OF = "synthesizer"
UNIT = "set"
KEYS = ("stage", "part")
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 2,
        "default": 1000,
        "means": "Samples that are refined, the classes in turn.",
    },
    "eps": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": "Radius of the Euclidean ball around a sample.",
    },
    "step": {"type": "number", "above": 0, "default": 0.1, "means": "Length of a step."},
    "steps": {"type": "whole number", "least": 1, "default": 20, "means": "Steps."},
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "means": "Samples that are kept as pictures.",
    },
}


def measure(
    model: Classifier, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Rows of stage `start` (samples) and `end` (refined), one per part of the set: fid, kid, n,
    `judged`, the share of the part in which the judge sees the class, and the features' facts.

    Arrays: `samples` and `refined` uint8 [m,c,h,w].
    """
    found = synthesizer(model)
    wanted = torch.arange(options["images"]) % found.classes
    samples = _samples(found, wanted, context)
    after = _refined(found, samples, wanted, Walk.of(options), context)
    fine = finite([after], "refined sample")
    real = seen(found.features, images.images, context)
    frames = [
        _rows(found, real, one[fine], wanted[fine], context).assign(stage=stage)
        for stage, one in (("start", samples), ("end", after))
    ]
    rows = pd.concat(frames, ignore_index=True).assign(**found.features.facts())
    shown = fine[: options["shown"]]
    arrays = {"samples": bytes_of(samples[shown]), "refined": bytes_of(after[shown])}
    return Measured(rows, arrays)


@torch.no_grad()
def _samples(model: Synthesizer, wanted: Tensor, context: Context) -> Tensor:
    generator = model.part("generator")
    source = generator_of(context.seed(use="samples to refine"))
    z = prior(len(wanted), generator.latent, source)
    pairs = zip(z.split(context.batch), wanted.split(context.batch), strict=True)
    device = context.device
    return torch.cat([generator(a.to(device), b.to(device)).cpu() for a, b in pairs])


def _refined(
    model: Synthesizer, samples: Tensor, wanted: Tensor, walk: Walk, context: Context
) -> Tensor:
    ends = []
    for a, b in zip(samples.split(context.batch), wanted.split(context.batch), strict=True):
        x, k = a.to(context.device), b.to(context.device)
        ends.append(walk.end(x, wanted_loss(model.net, k)).cpu())
    return torch.cat(ends)


def _rows(
    model: Synthesizer, real: np.ndarray, x: Tensor, wanted: Tensor, context: Context
) -> pd.DataFrame:
    hits = (scores(model.judge, x, context).argmax(dim=1) == wanted).double().numpy()
    rows = list(compared(real, seen(model.features, x.numpy(), context)))
    judged = [float(hits[part].mean()) for part in parts_of(len(x))]
    return pd.DataFrame(rows).assign(judged=judged)
