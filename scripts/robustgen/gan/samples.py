"""How good the samples of a generator are: their distances from real images, and pictures.

As many samples of each class are compared as there are of real images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator as generator_of
from robustgen.data.store import Images, to_float
from robustgen.gan.types import Features, Generator, Judged, prior
from robustgen.measures.frechet import frechet
from robustgen.measures.inception_score import inception_score
from robustgen.measures.kid import kid
from robustgen.measures.types import Context, Measured

ON = "model"
OF = "generator"
UNIT = "set"
OPTIONS = {
    "images": {
        "type": "whole number",
        "least": 2,
        "default": 5000,
        "means": "Real images, and samples, that are compared; all test images if there are fewer.",
    },
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 8,
        "means": "Samples of each class that are kept as pictures.",
    },
}


def measure(
    generator: Generator, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """One row of fid, kid, inception_score, n and facts of the features; arrays `samples`
    [K,m,c,h,w], and `progress` [t,K,m,c,h,w] of the training where it was kept.
    """
    if not isinstance(generator, Generator):
        raise Refused("samples measures models that give a generator alone, such as kind cgan.")
    n = min(options["images"], len(images))
    drawn = Drawn(generator, context)
    real = drawn.judged(to_float(torch.from_numpy(images.images[:n])))
    labels = torch.from_numpy(images.labels[:n])
    fake = drawn.judged(drawn.samples(labels, use="samples"))
    a, b = (one.features.double().numpy() for one in (real, fake))
    row = {"fid": frechet(a, b), "kid": kid(a, b), "n": n}
    row |= {
        "inception_score": inception_score(fake.logits.numpy()),
        **generator.features.facts(),
    }
    arrays = {"samples": _pictures(drawn, generator.classes, options["shown"])}
    if generator.progress is not None:
        arrays["progress"] = generator.progress.cpu().numpy()
    return Measured(pd.DataFrame([row]), arrays)


class Drawn:
    """Samples of a generator, and what its features say of images, in batches."""

    def __init__(self, generator: Generator, context: Context) -> None:
        self.generator, self.context = generator, context

    @torch.no_grad()
    def samples(self, y: Tensor, *, use: str) -> Tensor:
        """Images [n,c,h,w] of classes [n]."""
        z = prior(len(y), self.generator.latent, generator_of(self.context.seed(use=use)))
        device, batch = self.context.device, self.context.batch
        pairs = zip(z.split(batch), y.split(batch), strict=True)
        return torch.cat([self.generator(a.to(device), b.to(device)).cpu() for a, b in pairs])

    @torch.no_grad()
    def judged(self, x: Tensor) -> Judged:
        """Features [n,d] and logits [n,classes] of images."""
        features: Features = self.generator.features
        found = [features(one.to(self.context.device)) for one in x.split(self.context.batch)]
        return Judged(
            torch.cat([one.features.cpu() for one in found]),
            torch.cat([one.logits.cpu() for one in found]),
        )


def _pictures(drawn: Drawn, classes: int, shown: int) -> np.ndarray:
    """Samples [K,m,c,h,w] in bytes."""
    x = drawn.samples(torch.arange(classes).repeat_interleave(shown), use="pictures")
    found = (255 * x).round().to(torch.uint8).reshape(classes, shown, *x.shape[1:])
    return found.numpy()
