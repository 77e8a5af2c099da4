"""Starts of foolbox's attacks that walk along the boundary: misclassified noise."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

DRAWS = 1000  # of noise, among which a start is sought, as in the library


def from_starts(
    attacker: Any, model: Any, images: Tensor, labels: Tensor, *, random: bool
) -> Tensor:
    """The attack on those images for which noise holds a start; the library would give up on all if
    one has none. For a randomised classifier (`random`) the noise is not blended with the image,
    for along the blend one lucky draw is enough to take a point that is right as a rule.
    """
    starts, found = (_noise if random else _blended)(model, images, labels)
    x = images.clone()
    if found.any():
        criterion = _after_starts(labels[found])
        x[found] = attacker.run(model, images[found], criterion, starting_points=starts[found])
    return x


def _blended(model: Any, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The library's starts, misclassified noise blended with the images, and which of them are
    misclassified.
    """
    from foolbox.attacks.blended_noise import LinearSearchBlendedUniformNoiseAttack as Search

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*failed to draw sufficient random inputs")
        starts = Search(steps=50).run(model, images, labels)
    return starts, model(starts).argmax(dim=-1) != labels


def _noise(model: Any, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Uniform noise that is misclassified, and for which images it was drawn."""
    starts, found = images.clone(), torch.zeros_like(labels, dtype=torch.bool)
    for _ in range(DRAWS):
        noise = torch.rand_like(images)
        new = (model(noise).argmax(dim=-1) != labels) & ~found
        starts[new], found = noise[new], found | new
        if found.all():
            break
    return starts, found


def _after_starts(labels: Tensor) -> Any:
    """Misclassification, asked for the first time of starts that are known to be misclassified: of
    a second look at them a randomised classifier may say otherwise, and the library would give up.
    """
    from foolbox.criteria import Misclassification

    class AfterStarts(Misclassification):
        asked = False

        def __call__(self, perturbed: Any, outputs: Any) -> Any:
            wrong = super().__call__(perturbed, outputs)
            first, self.asked = not self.asked, True
            return wrong.logical_or(wrong.logical_not()) if first else wrong

    return AfterStarts(labels)
