"""Attacks of the library torchattacks behind the project's signature; `options.name` says which.

APGD as published returns images that are misclassified already unchanged, so a detector is shown clean images as
attacked ones; `options.mended: true` attacks every image and keeps its point of highest loss.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images

NORMS = {"linf": "Linf", "l2": "L2"}


def attack(classifier: nn.Module, images: Tensor, labels: Tensor, *, spec: Spec, generator: torch.Generator) -> Attacked:
    """The library's attack from a seed drawn from `generator`; counts are batch totals divided by n."""
    check_images(images)
    if spec.weight or spec.target != "none":
        raise Refused("Attacks of torchattacks are run untargeted and without an energy term; use kind pgd for those.")
    options = dict(spec.options)
    name, mended = options.pop("name", "PGD"), options.pop("mended", False)
    counter = Counter(classifier)
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        attacker = _build(name, counter, spec, options)
        x = _mended(attacker, images, labels, name) if mended else attacker(images, labels)
    x = x.detach()
    with torch.no_grad():
        success = classifier(x).argmax(dim=1) != labels
    return Attacked(x, success, counter.forwards / len(x), counter.backwards / len(x))


class Counter(nn.Module):
    """The classifier, counting how many images pass forwards and how many gradients come back."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.forwards = self.backwards = 0

    def forward(self, x: Tensor) -> Tensor:
        self.forwards += len(x)
        if x.requires_grad:
            x.register_hook(self._count)
        z: Tensor = self.classifier(x)
        return z

    def _count(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)


def _build(name: str, classifier: nn.Module, spec: Spec, options: dict[str, Any]) -> Any:
    import torchattacks

    if name == "PGD" and spec.norm == "linf":
        known: dict[str, Any] = {"alpha": spec.step, "steps": spec.steps, "random_start": spec.random_start}
    elif name == "APGD":
        known = {"norm": NORMS[spec.norm], "steps": spec.steps, "n_restarts": spec.restarts, "eot_iter": spec.eot}
        known["seed"] = int(torch.randint(2**31, ()))
    else:
        raise Refused(f"torchattacks {name!r} in {spec.norm} is not wrapped; wrapped are PGD (linf) and APGD (linf, l2).")
    return getattr(torchattacks, name)(classifier, eps=spec.eps, **known, **options)


def _mended(attacker: Any, images: Tensor, labels: Tensor, name: str) -> Tensor:
    if name != "APGD":
        raise Refused(f"options.mended belongs to APGD, not to {name}.")
    x: Tensor = attacker.perturb(images, labels, best_loss=True)[1]
    return x
