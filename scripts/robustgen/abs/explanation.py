"""How a model of chapter 2 explains images: the likelihood bound of its best class, by parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from robustgen.measures.types import Columns, Look, PerImage, Reference
from robustgen.nets.classifier import Classifier

ON = "attack"
UNIT = "image"
LOOKS_AT = ("scores", "costs", "priors")
OPTIONS: dict[str, dict[str, object]] = {}


def measure(
    classifier: Classifier,
    reference: Reference,
    *,
    options: Mapping[str, Any],
    generator: torch.Generator,
) -> PerImage:
    """Columns `elbo` = max_k -l_k and `lead` over the second class, of the scores; `reconstruction`
    ||x - G(z*)||^2 and `prior` of the best class, at one draw of Q*.
    """
    del classifier, reference, options, generator

    def columns(seen: Look, clean: Look) -> Columns:
        del clean
        scores, costs, priors = (seen[name].cpu().numpy() for name in LOOKS_AT)
        order = np.sort(scores, axis=1)
        rows, best = np.arange(len(scores)), scores.argmax(axis=1)
        return {
            "elbo": order[:, -1],
            "lead": order[:, -1] - order[:, -2],
            "reconstruction": costs[rows, best],
            "prior": priors[rows, best],
        }

    return columns
