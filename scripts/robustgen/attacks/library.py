"""What the wrappers of attack libraries share: what an attack takes of a Spec, a sealed classifier,
the verdict.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks.types import Attacked, Classifier, Spec
from robustgen.core.refusal import Refused


@dataclass(frozen=True)
class Offer:
    """One attack of a library: its norms, the arguments that a Spec fills, and which wishes of a
    Spec it can meet.
    """

    norms: tuple[str, ...]
    arguments: Callable[[Spec], dict[str, Any]]
    minimum: bool = False  # seeks the smallest perturbation: it has no budget
    iterates: bool = True
    restarts: bool = False
    eot: bool = False


def offer(library: str, name: str, offers: dict[str, Offer], spec: Spec) -> Offer:
    """The attack of that name, after refusing every wish of the Spec that it would silently
    ignore.
    """
    if name not in offers:
        raise Refused(
            f"{library} {name!r} is not wrapped; options.name may be {', '.join(offers)}."
        )
    untargeted(library, spec)
    found, label = offers[name], f"{name} of {library}"
    budget(label, spec, minimum=found.minimum)
    if spec.norm not in found.norms:
        raise Refused(
            f"{label} is an attack in {' and '.join(found.norms)}, not in {spec.norm}; write "
            f"norm: {found.norms[0]}."
        )
    if not found.iterates and spec.steps != 1:
        raise Refused(f"{label} takes one step, not {spec.steps}; write steps: [1].")
    if not found.restarts and spec.restarts != 1:
        raise Refused(f"{label} has no restarts; write restarts: 1.")
    if not found.eot and spec.eot != 1:
        raise Refused(f"{label} does not average gradients; write eot: 1, or use kind pgd.")
    return found


def untargeted(library: str, spec: Spec) -> None:
    """Refuse targets and energy terms, which only the project's own attacks have."""
    if spec.weight or spec.target != "none":
        raise Refused(
            f"Attacks of {library} are run untargeted and without an energy term; use kind pgd "
            "for those."
        )


def budget(label: str, spec: Spec, *, minimum: bool = False) -> None:
    """Refuse a finite eps where the smallest perturbation is sought, and an infinite one
    elsewhere.
    """
    if minimum and spec.eps != inf:
        raise Refused(
            f"{label} seeks the smallest perturbation and has no budget; write eps: "
            f"[unbounded], not {spec.eps:.4g}."
        )
    if not minimum and spec.eps == inf:
        raise Refused(f"{label} needs a budget; write a finite eps.")


def build(
    make: Callable[..., Any], *handed: Any, filled: dict[str, Any], options: dict[str, Any]
) -> Any:
    """The library's object from what the Spec fills and what the options add; unknown options are
    refused.
    """
    free = [name for name in inspect.signature(make).parameters if name not in {"model", *filled}]
    for wrong in sorted(set(options) - set(free)):
        raise Refused(
            f"{make.__name__} takes no option {wrong!r}; beside name it takes "
            f"{', '.join(free) or 'none'}."
        )
    return make(*handed, **filled, **options)


class Counter(nn.Module):
    """The classifier, counting how many images pass forwards and how many gradients come back.

    A library's switching between training and evaluation mode does not reach it: its modes are its
    owner's.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier
        self.training = getattr(classifier, "training", False)
        self.forwards = self.backwards = 0

    def forward(self, x: Tensor) -> Tensor:
        self.forwards += len(x)
        # a node of this pass alone: hooks on x itself would fire for its other passes too
        x = x.view_as(x)
        if x.requires_grad:
            x.register_hook(self._count)
        z: Tensor = self.classifier(x)
        return z

    def train(self, mode: bool = True) -> Counter:
        """Nothing is switched."""
        return self

    def classes(self, images: Tensor) -> int:
        """K, from one image's logits."""
        with torch.no_grad():
            return self(images[:1]).shape[1]

    def _count(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)


@contextmanager
def sealed(classifier: Classifier, generator: torch.Generator) -> Iterator[Counter]:
    """The counted classifier, its parameters without gradients and torch seeded from `generator`;
    both are restored.
    """
    counter = Counter(classifier)
    live = [weight for weight in counter.parameters() if weight.requires_grad]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        try:
            yield counter.requires_grad_(False)
        finally:
            for weight in live:
                weight.requires_grad_(True)


def judged(
    counter: Counter, images: Tensor, labels: Tensor, found: Tensor, *, minimum: bool = False
) -> Attacked:
    """The found images, clipped, and whether each fools the classifier in one more pass; counts are
    batch totals over n.

    Where an attack that seeks the smallest perturbation found none, the natural image is given
    back.
    """
    x = found.detach().clamp(0, 1)
    with torch.no_grad():
        success = (counter(x).argmax(dim=1) != labels) & x.isfinite().flatten(1).all(dim=1)
    if minimum:
        x = torch.where(success.reshape(-1, 1, 1, 1), x, images)
    return Attacked(x, success, counter.forwards / len(x), counter.backwards / len(x))
