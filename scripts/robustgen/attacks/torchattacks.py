"""Attacks of the library torchattacks behind the project's signature; `options.name` says which.

As published, APGD, APGDT and Square give back the clean image where it is misclassified already or
where they fail, so a detector is shown clean images as attacked ones; `options.fixed: true`
attacks every image and keeps its point of highest loss. CW stops for the whole batch once the
batch's cost rises between two tenths of its steps, so its result depends on the batch; it searches
no constant c (option `c`). DeepFool takes the images one by one, with K gradients per step. APGD,
APGDT and Square always start randomly, FGSM never. For Square `steps` are queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.attacks.accepted import accepted
from robustgen.attacks.library import (
    class_count,
    clipped,
    drawn,
    or_clean,
    own_arguments,
    sealed,
)
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier

NORMS = {"linf": "Linf", "l2": "L2"}
# how far CW's images stay from 0 and 1, where atanh is infinite and a pixel would never move
MARGIN = 1e-6
TAKES = {  # what each attack uses of an entry
    "name": {
        "FGSM": ("linf", "eps"),
        "PGD": ("linf", "eps", "steps", "start"),
        "PGDL2": ("l2", "eps", "steps", "start"),
        "EOTPGD": ("linf", "eps", "steps", "start"),
        "APGD": ("linf", "l2", "eps", "steps"),
        "APGDT": ("linf", "l2", "eps", "steps"),
        "CW": ("l2", "nearest", "steps"),
        "DeepFool": ("l2", "nearest", "steps"),
        "Square": ("linf", "l2", "eps", "steps"),
    },
}
STEPS = {"FGSM": 1}
OPTIONS = {
    "name": {
        "one_of": ("FGSM", "PGD", "PGDL2", "EOTPGD", "APGD", "APGDT", "CW", "DeepFool", "Square"),
        "default": "PGD",
        "means": "The library's attack.",
    },
    "step": {
        "type": "number",
        "above": 0,
        "default": None,
        "only": {"name": ("PGD", "PGDL2", "EOTPGD")},
        "means": "Step size in pixel units.",
    },
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "instead": "step",
        "only": {"name": ("PGD", "PGDL2", "EOTPGD")},
        "means": "Step size in units of eps, in the place of step; 0.125 where neither is given.",
    },
    "random_start": {
        "type": "true or false",
        "default": True,
        "only": {"name": ("PGD", "PGDL2", "EOTPGD")},
        "means": "Start at a random point of the ball instead of the image.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "only": {"name": ("APGD", "APGDT", "Square")},
        "means": "Random restarts.",
    },
    "eot": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "only": {"name": ("EOTPGD", "APGD", "APGDT")},
        "means": "Gradients averaged per step, for randomised classifiers.",
    },
    "fixed": {
        "type": "true or false",
        "default": False,
        "only": {"name": ("APGD", "APGDT", "Square")},
        "means": (
            "Attack every image, those that are misclassified already among them, and keep its "
            "point of highest loss."
        ),
    },
    "loss": {
        "one_of": ("ce", "dlr", "margin"),
        "default": None,
        "only": {"name": ("APGD", "Square")},
        "never": {"name": {"APGD": ("margin",), "Square": ("dlr",)}},
        "means": "ce or dlr for APGD, margin or ce for Square; the library's own where left out.",
    },
    "rho": {
        "type": "number",
        "above": 0,
        "below": 1,
        "default": 0.75,
        "only": {"name": ("APGD", "APGDT")},
        "means": "Share of steps that must raise the loss, else the step size is halved.",
    },
    "p_init": {
        "type": "number",
        "above": 0,
        "most": 1,
        "default": 0.8,
        "only": {"name": ("Square",)},
        "means": "Share of pixels that the first squares cover.",
    },
    "resc_schedule": {
        "type": "true or false",
        "default": True,
        "only": {"name": ("Square",)},
        "means": "Fit the schedule of squares to the number of queries.",
    },
    "verbose": {
        "type": "true or false",
        "default": False,
        "only": {"name": ("APGD", "APGDT", "Square")},
        "means": "Print what the library does.",
    },
    "eps_for_division": {
        "type": "number",
        "above": 0,
        "default": 1e-10,
        "only": {"name": ("PGDL2",)},
        "means": "What keeps a zero gradient from being divided by zero.",
    },
    "c": {
        "type": "number",
        "above": 0,
        "default": 1,
        "only": {"name": ("CW",)},
        "means": "Weight of misclassification in CW.",
    },
    "kappa": {
        "type": "number",
        "least": 0,
        "default": 0,
        "only": {"name": ("CW",)},
        "means": "Lead of the wrong class in CW.",
    },
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.01,
        "only": {"name": ("CW",)},
        "means": "Learning rate of CW.",
    },
    "overshoot": {
        "type": "number",
        "least": 0,
        "default": 0.02,
        "only": {"name": ("DeepFool",)},
        "means": "By what share DeepFool goes beyond the boundary.",
    },
}


def _pgd(spec: Spec) -> dict[str, Any]:
    start = spec.options["random_start"]
    return {"alpha": spec.step, "steps": spec.steps, "random_start": start}


def _eot(spec: Spec) -> dict[str, Any]:
    return {**_pgd(spec), "eot_iter": spec.options["eot"]}


def _apgd(spec: Spec) -> dict[str, Any]:
    return {
        "norm": NORMS[spec.norm],
        "steps": spec.steps,
        "n_restarts": spec.options["restarts"],
        "eot_iter": spec.options["eot"],
        "seed": drawn(),
    }


def _square(spec: Spec) -> dict[str, Any]:
    return {
        "norm": NORMS[spec.norm],
        "n_queries": spec.steps,
        "n_restarts": spec.options["restarts"],
        "seed": drawn(),
    }


def _steps(spec: Spec) -> dict[str, Any]:
    return {"steps": spec.steps}


ARGUMENTS: dict[str, Callable[[Spec], dict[str, Any]]] = {
    "FGSM": lambda _: {},
    "PGD": _pgd,
    "PGDL2": _pgd,
    "EOTPGD": _eot,
    "APGD": _apgd,
    "APGDT": _apgd,
    "CW": _steps,
    "DeepFool": _steps,
    "Square": _square,
}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The library's images, from a seed drawn from `generator`."""
    check_images(images)
    if spec.options.get("name") == "AutoAttack":
        raise Refused(
            "AutoAttack of torchattacks runs 10 iterations instead of 100; use kind autoattack."
        )
    spec = accepted("torchattacks", spec)
    name = spec.options["name"]
    with sealed(classifier, generator) as model:
        attacker = _build(name, model, spec, images)
        if spec.options.get("fixed"):
            runs = RUNS[name](attacker, images, labels)
            return Attacked(clipped(_highest(runs, images)))
        x = attacker(images.clamp(MARGIN, 1 - MARGIN) if name == "CW" else images, labels)
        if "nearest" not in TAKES["name"][name]:
            return Attacked(clipped(x))
        return Attacked(or_clean(model, images, labels, clipped(x)))


class Positive(nn.Module):
    """The classifier with its logits shifted per image to lie above 0, without which CW's loss is
    blind below 0.

    The library picks logits by products with a one-hot vector, whose zeros win against negative
    logits; one constant added to all logits of an image changes neither their order nor their
    differences.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.classifier(x)
        return z - z.detach().amin(dim=1, keepdim=True) + 1


def _build(name: str, classifier: Classifier, spec: Spec, images: Tensor) -> Any:
    import torchattacks

    arguments = ARGUMENTS[name](spec) | own_arguments(spec)
    if "eps" in TAKES["name"][name]:
        arguments["eps"] = spec.eps
    if name == "APGDT" or arguments.get("loss") == "dlr":
        classes = _enough(name, class_count(classifier, images))
        arguments |= {"n_classes": classes} if name == "APGDT" else {}
    model = Positive(classifier) if name == "CW" else classifier
    attacker = getattr(torchattacks, name)(model, **arguments)
    attacker.set_device(images.device)
    return attacker


def _enough(name: str, classes: int) -> int:
    """The number of classes, which the DLR loss ranks."""
    fewest = 4 if name == "APGDT" else 3
    if classes < fewest:
        raise Refused(
            f"{name} on the DLR loss needs at least {fewest} classes, the classifier has "
            f"{classes}; use APGD on ce."
        )
    return classes


def _highest(runs: Iterator[tuple[Tensor, Tensor]], images: Tensor) -> Tensor:
    """Per image the point of highest loss over all runs of the attack."""
    best, height = images, torch.full((len(images),), -inf, device=images.device)
    for x, loss in runs:
        higher = loss > height
        best = torch.where(higher.reshape(-1, 1, 1, 1), x.detach(), best)
        height = torch.where(higher, loss.detach(), height)
    return best


def _apgd_runs(attacker: Any, images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    loss, x = attacker.perturb(images, labels, best_loss=True)
    yield x, loss


def _apgdt_runs(attacker: Any, images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """One run per target and restart; the label is ranked first, so that all other classes are the
    targets of any image.
    """
    model, rows = attacker.model, torch.arange(len(labels), device=labels.device)

    def ranked(x: Tensor) -> Tensor:
        z: Tensor = model(x)
        return z if x.requires_grad else z.index_put((rows, labels), z.new_tensor(inf))

    # the library ranks targets by the logits of x, the only pass without a gradient
    attacker.get_logits = ranked
    for target, _ in product(range(2, attacker.n_target_classes + 2), range(attacker.n_restarts)):
        attacker.target_class = target
        x, _, loss, _ = attacker.attack_single_run(images, labels)
        yield x, loss


def _square_runs(attacker: Any, images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """One run per restart; an image's search ends where it is misclassified, maybe at the stripes
    that it starts from.
    """
    attacker.init_hyperparam(images)
    for _ in range(attacker.n_restarts):
        with torch.no_grad():
            x = attacker.attack_single_run(images, labels)[1]
            yield x, -attacker.margin_and_loss(x, labels)[1]


RUNS = {"APGD": _apgd_runs, "APGDT": _apgdt_runs, "Square": _square_runs}
