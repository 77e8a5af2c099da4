"""FGSM, PGD and High-Energy PGD in L_inf and L_2, untargeted or targeted, with restarts and EOT:
one trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend, input_gradient
from robustgen.attacks.losses import Loss, choose_target, targeted, untargeted
from robustgen.attacks.types import Attacked, Spec
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier, Passes, as_classifier

TAKES = ("linf", "l2", "eps", "steps", "start")  # start: it can be shown after 0 steps
REPEATS = ("restarts", "eot")  # options that multiply its passes
OPTIONS = {
    "step": {"type": "number", "above": 0, "default": None, "means": "Step size in pixel units."},
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "instead": "step",
        "means": "Step size in units of eps, in the place of step; 0.125 where neither is given.",
    },
    "restarts": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Random restarts; per image the one with the highest loss is kept.",
    },
    "random_start": {
        "type": "true or false",
        "default": True,
        "means": "Start at a random point of the ball instead of the image.",
    },
    "target": {
        "one_of": ("none", "random", "least_likely"),
        "default": "none",
        "means": "Aim at a class other than the label.",
    },
    "eot": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": (
            "Passes over which gradients, and losses of restarts, are averaged, for randomised "
            "classifiers."
        ),
    },
    "loss": {
        "one_of": ("ce", "margin"),
        "default": "ce",
        "means": "What is climbed: cross entropy, or the margin that it is a function of, whose "
        "gradient does not vanish where scores lie far apart.",
    },
    "lambda_": {
        "type": "number",
        "default": 0.0,
        "means": "Weight of the energy in the loss: lambda of High-Energy PGD (eq. 10).",
    },
}


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The image after `spec.steps` steps; of several restarts the one of highest loss."""
    at = (spec.steps,)
    found = snapshots(classifier, images, labels, spec=spec, generator=generator, at=at)
    return found[spec.steps]


def snapshots(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
    at: tuple[int, ...],
) -> dict[int, Attacked]:
    """The same attack stopped after each number of steps in `at`, from one trajectory per restart,
    each with the passes that it would have cost by itself.
    """
    check_images(images)
    model, options = as_classifier(classifier), accepted("pgd", spec).options
    mark = model.passes.copy()
    loss = _loss(model, images, labels, options, generator)
    cost = dict.fromkeys(at, model.passes - mark)
    best: dict[int, tuple[Tensor, Tensor | None]] = {}
    for _ in range(options["restarts"]):
        spent, mark = Passes(), model.passes.copy()
        for step, x in enumerate(
            _trajectory(model, images, loss, spec, options, generator, max(at))
        ):
            spent, mark = spent + (model.passes - mark), model.passes.copy()
            if step in at:
                several = options["restarts"] > 1
                height = _height(model, x, loss, eot=options["eot"]) if several else None
                best[step] = _better(best.get(step), x, height)
                cost[step] += spent + (model.passes - mark)
                mark = model.passes.copy()
    return {step: _attacked(best[step][0], cost[step]) for step in at}


def _loss(
    model: Classifier, x: Tensor, y: Tensor, options: dict[str, Any], generator: torch.Generator
) -> Loss:
    """The loss that is climbed."""
    if options["target"] == "none":
        return untargeted(y, lambda_=options["lambda_"], of=options["loss"])
    with torch.no_grad():
        t = choose_target(model(x), y, options["target"], generator)
    return targeted(t, lambda_=options["lambda_"], of=options["loss"])


def _trajectory(
    model: Classifier,
    images: Tensor,
    loss: Loss,
    spec: Spec,
    options: dict[str, Any],
    generator: torch.Generator,
    steps: int,
) -> Iterator[Tensor]:
    region = ball(spec.norm, spec.eps)
    return ascend(
        region.start(images, generator) if options["random_start"] else images,
        gradient=input_gradient(model, loss, eot=options["eot"]),
        move=lambda x, gradient: x + spec.step * region.steepest(gradient),
        project=lambda x: region.project(x, images),
        steps=steps,
    )


def _height(model: Classifier, x: Tensor, loss: Loss, *, eot: int) -> Tensor:
    """The loss, averaged over `eot` passes: of a single pass of a randomised classifier the
    luckiest restart would win.
    """
    with torch.no_grad():
        return torch.stack([loss(model(x)) for _ in range(eot)]).mean(dim=0)


def _better(
    held: tuple[Tensor, Tensor | None] | None, x: Tensor, height: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Per image the point of higher loss, and that loss."""
    if held is None or held[1] is None or height is None:
        return x, height
    higher = height > held[1]
    return torch.where(higher[:, None, None, None], x, held[0]), torch.maximum(height, held[1])


def _attacked(x: Tensor, cost: Passes) -> Attacked:
    return Attacked(x, cost.forwards / len(x), cost.backwards / len(x))
