"""What the wrappers of attack libraries share: a sealed classifier, and what a search that failed
gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.types import Spec
from robustgen.nets.classifier import Classifier, as_classifier

# options that a wrapper reads itself; all others are arguments of the library's own
READ = ("name", "fixed", "step", "rel_step", "restarts", "random_start", "eot")


@contextmanager
def sealed(
    classifier: Callable[[Tensor], Tensor], generator: torch.Generator
) -> Iterator[Classifier]:
    """The classifier with parameters without gradients, and torch seeded from `generator`; both
    are restored. A randomised one draws from `generator` too.
    """
    model = as_classifier(classifier)
    live = [weight for weight in model.parameters() if weight.requires_grad]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(drawn(generator))
        model.reseed(torch.Generator().manual_seed(drawn(generator)))
        try:
            yield model.requires_grad_(False)
        finally:
            for weight in live:
                weight.requires_grad_(True)


def drawn(generator: torch.Generator | None = None) -> int:
    """A seed drawn from `generator`, or from torch's own."""
    return int(torch.randint(2**31, (), generator=generator))


def own_arguments(spec: Spec) -> dict[str, Any]:
    """The options that are arguments of the library's own; those without a value are left to it."""
    return {
        name: value
        for name, value in spec.options.items()
        if name not in READ and value is not None
    }


def class_count(classifier: Classifier, images: Tensor) -> int:
    """K, from the scores of one image."""
    with torch.no_grad():
        return classifier(images[:1]).shape[1]


def clipped(found: Tensor) -> Tensor:
    """The found images without a graph, in [0,1]."""
    return found.detach().clamp(0, 1)


def or_clean(classifier: Classifier, images: Tensor, labels: Tensor, found: Tensor) -> Tensor:
    """The found images that fool the classifier in one more pass, and the clean ones of the others,
    for which a search for the smallest perturbation found none.

    A randomised classifier is not asked: near the boundary one more pass would undo every second
    find, where rows judge images on fresh draws anyway.
    """
    kept = found.isfinite().flatten(1).all(dim=1)
    if not classifier.stochastic:
        with torch.no_grad():
            kept &= classifier(found).argmax(dim=1) != labels
    return torch.where(kept.reshape(-1, 1, 1, 1), found, images)
