"""The radius that randomized smoothing certifies (Cohen et al. 2019, CERTIFY and PREDICT), from
votes of the base model under noise.

CERTIFY: the class with most votes of a first sample; p is Clopper and Pearson's lower bound of its
share of a second one at level 1 - alpha. Where p > 1/2, no image within sigma Phi^-1(p) in L2 has
another class; else it abstains. PREDICT: the class with most votes of the second sample, unless a
two-sided binomial test of the first two classes has a p-value above alpha.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from robustgen.measures.types import Columns, Look, PerImage, Reference
from robustgen.nets.classifier import Classifier

ON = "attack"
UNIT = "image"
LOOKS_AT = ("selection", "votes")
CHUNK = 10  # images after which a killed job goes on: they take many passes
ABSTAINS = -1
OPTIONS = {
    "alpha": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.001,
        "means": "Probability of a wrong certificate, per image.",
    },
}


def measure(
    classifier: Classifier,
    reference: Reference,
    *,
    options: Mapping[str, Any],
    generator: torch.Generator,
) -> PerImage:
    """Columns `selected`, `hits`, `votes`, `radius` (0 where it abstains) and `predicted`."""
    del classifier, reference, generator

    def columns(seen: Look, clean: Look) -> Columns:
        del clean
        selection, votes = (seen[name].cpu().numpy() for name in LOOKS_AT)
        selected = selection.argmax(axis=1)
        hits, n = votes[np.arange(len(votes)), selected], votes.sum(axis=1)
        return {
            "selected": selected,
            "hits": hits.astype(np.int64),
            "votes": n.astype(np.int64),
            "radius": radius(hits, n, sigma=seen["sigma"], alpha=options["alpha"]),
            "predicted": predicted(votes, alpha=options["alpha"]),
        }

    return columns


def radius(hits: np.ndarray, n: np.ndarray, *, sigma: float, alpha: float) -> np.ndarray:
    """The certified L2 radius [m] of classes with `hits` of n votes; 0 where it abstains."""
    from scipy.special import betaincinv, ndtri

    p = np.where(hits > 0, betaincinv(np.maximum(hits, 1), n - hits + 1, alpha), 0.0)
    found: np.ndarray = np.where(p > 0.5, sigma * ndtri(np.maximum(p, 0.5)), 0.0)
    return found


def predicted(votes: np.ndarray, *, alpha: float) -> np.ndarray:
    """The class [m] of votes [m,K], ABSTAINS where the first two cannot be told apart."""
    from scipy.stats import binomtest

    order = np.argsort(-votes, axis=1, kind="stable")
    rows = np.arange(len(votes))
    first, second = (votes[rows, order[:, place]].astype(int) for place in (0, 1))
    p = [binomtest(a, a + b, 0.5).pvalue for a, b in zip(first, second, strict=True)]
    return np.where(np.array(p) <= alpha, order[:, 0], ABSTAINS)
