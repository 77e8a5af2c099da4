"""FGSM, PGD and High-Energy PGD in L_inf and L_2, untargeted or targeted, with restarts and EOT:
one trajectory.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend, input_gradient
from robustgen.attacks.losses import Loss, choose_target, targeted, untargeted
from robustgen.attacks.types import Attacked, Classifier, Spec
from robustgen.data.store import check_images

# of an entry
TAKES = (
    "linf",
    "l2",
    "eps",
    "steps",
    "step",
    "restarts",
    "random_start",
    "target",
    "eot",
    "weight",
)
OPTIONS: dict[str, dict[str, object]] = {}


def attack(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The image after `spec.steps` steps; of several restarts the one of highest loss."""
    return snapshots(classifier, images, labels, spec=spec, generator=generator, at=(spec.steps,))[
        spec.steps
    ]


def snapshots(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
    at: tuple[int, ...],
) -> dict[int, Attacked]:
    """The same attack stopped after each number of steps in `at`, from one trajectory per
    restart.
    """
    check_images(images)
    loss, goal = _objective(classifier, images, labels, spec, generator)
    best: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
    for _ in range(spec.restarts):
        for step, x in enumerate(_trajectory(classifier, images, loss, spec, generator, max(at))):
            if step in at:
                best[step] = _better(best.get(step), x, _logits(classifier, x), loss)
    return {step: _attacked(*best[step][:2], goal, step, spec) for step in at}


def _objective(
    classifier: Classifier, images: Tensor, y: Tensor, spec: Spec, generator: torch.Generator
) -> tuple[Loss, tuple[Tensor, bool]]:
    """The loss to climb, and the goal: (classes, whether to reach them rather than to leave
    them).
    """
    if spec.target == "none":
        return untargeted(y, weight=spec.weight), (y, False)
    t = choose_target(_logits(classifier, images), y, spec.target, generator)
    return targeted(t, weight=spec.weight), (t, True)


def _trajectory(
    classifier: Classifier,
    images: Tensor,
    loss: Loss,
    spec: Spec,
    generator: torch.Generator,
    steps: int,
) -> Iterator[Tensor]:
    region = ball(spec.norm, spec.eps)
    return ascend(
        region.start(images, generator) if spec.random_start else images,
        gradient=input_gradient(classifier, loss, eot=spec.eot),
        move=lambda x, gradient: x + spec.step * region.steepest(gradient),
        project=lambda x: region.project(x, images),
        steps=steps,
    )


def _logits(classifier: Classifier, x: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier(x)


def _better(
    held: tuple[Tensor, Tensor, Tensor] | None, x: Tensor, z: Tensor, loss: Loss
) -> tuple[Tensor, Tensor, Tensor]:
    """Per image the point of higher loss: (images, predictions, losses)."""
    new = (x, z.argmax(dim=1), loss(z))
    if held is None:
        return new
    wins = new[2] > held[2]
    return tuple(
        torch.where(wins.reshape(-1, *[1] * (a.ndim - 1)), a, b)
        for a, b in zip(new, held, strict=True)
    )  # type: ignore[return-value]


def _attacked(
    x: Tensor, prediction: Tensor, goal: tuple[Tensor, bool], steps: int, spec: Spec
) -> Attacked:
    classes, reach = goal
    gradients = float(steps * spec.eot * spec.restarts)
    success = prediction == classes if reach else prediction != classes
    return Attacked(x, success, forwards=gradients + spec.restarts + reach, backwards=gradients)
