"""The Latent Descent Attack of Schott et al. (2019), for classifiers that reconstruct an image by
each class: it moves the image towards the reconstruction by the best wrong class.

The authors' code begins its binary search at a coarse step that belongs to another image; here each
image's search begins between its own two points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from robustgen.attacks.accepted import accepted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier, as_classifier

TAKES = ("l2", "nearest", "steps")
LOOKS_AT = ("reconstructions",)
OPTIONS = {
    "fine": {
        "type": "whole number",
        "least": 0,
        "default": 10,
        "means": "Halvings of the way between the last right point and the first wrong one.",
    },
}


@dataclass(frozen=True)
class Seen:
    """What a classifier makes of images."""

    wrong: Tensor  # whether it errs [n]
    towards: Tensor  # the reconstruction by the best class other than the label [n,c,h,w]


def attack(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    spec: Spec,
    generator: torch.Generator,
) -> Attacked:
    """The first misclassified of x_0 = x and x_j = (1 - lambda_j) x + lambda_j G_b(x_{j-1}),
    lambda_j = j / steps, brought closer by a binary search; the clean image where none is.

    G_b(x_{j-1}) is the reconstruction of x_{j-1} by its best class b other than the label.
    """
    check_images(images)
    model, spec = as_classifier(classifier), accepted("lda", spec)
    right, wrong, found = _coarse(model, images, labels, spec.steps)
    wrong[found] = _fine(model, right[found], wrong[found], labels[found], spec.options["fine"])
    return Attacked(wrong)


def _coarse(
    model: Classifier, images: Tensor, labels: Tensor, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The last right point and the first wrong one of each image, and whether there is a wrong one;
    where there is none, or the clean image is wrong already, the clean image stands for both.
    """
    right, wrong = images.clone(), images.clone()
    found = torch.zeros_like(labels, dtype=torch.bool)
    left, x = torch.arange(len(images), device=images.device), images
    for step in range(steps + 1):
        seen = _see(model, x, labels[left])
        wrong[left[seen.wrong]], found[left[seen.wrong]] = x[seen.wrong], True
        left, x, towards = left[~seen.wrong], x[~seen.wrong], seen.towards[~seen.wrong]
        if step == steps or not len(left):
            break
        right[left] = x
        x = torch.lerp(images[left], towards, (step + 1) / steps)
    return right, wrong, found


def _fine(model: Classifier, right: Tensor, wrong: Tensor, y: Tensor, halvings: int) -> Tensor:
    """The wrong point after so many halvings of its way to the right one."""
    for _ in range(halvings if len(y) else 0):
        middle = (right + wrong) / 2
        errs = _see(model, middle, y).wrong[:, None, None, None]
        right, wrong = torch.where(errs, right, middle), torch.where(errs, middle, wrong)
    return wrong


def _see(model: Classifier, x: Tensor, y: Tensor) -> Seen:
    with torch.no_grad():
        shown = model.look(x)
    if "reconstructions" not in shown:
        raise Refused(
            f"{type(model).__name__} shows no reconstructions, towards which kind lda moves an "
            "image; attack a model that reconstructs by class with it, such as kind abs."
        )
    z = shown["scores"]
    best = z.scatter(1, y[:, None], -torch.inf).argmax(dim=1)
    rows = torch.arange(len(y), device=y.device)
    return Seen(z.argmax(dim=1) != y, shown["reconstructions"][rows, best].clamp(0, 1))
