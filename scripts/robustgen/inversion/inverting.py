"""The classifier by GAN inversion: scores are minus the objective of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.core.values import whole
from robustgen.gan.types import Distance, Generator
from robustgen.inversion.descent import Inversion, Objective, Settings
from robustgen.inversion.pruning import active, judged
from robustgen.nets.classifier import Classifier

SETTINGS = tuple(Settings.__dataclass_fields__)
OUTSIDE = 0.1


class Inverting(Classifier):
    """Scores -(D(x, G(z*, y)) + lambda R) [n,K].

    Passes are those of the generator with the distance's net, for one pair of image and class. The
    gradient of an image holds the codes fixed, or goes through the search where the view `gradient`
    is unrolled.
    """

    def __init__(self, inversion: Inversion, settings: Settings, *, at_once: int) -> None:
        super().__init__()
        whole("Inversion's at_once", at_once, least=1)
        self.inversion, self.settings, self.at_once = inversion, settings, at_once

    @property
    def generator(self) -> Generator:
        """The generator, with the features for FID."""
        return self.inversion.generator

    @property
    def distance(self) -> Distance:
        """The distance that is minimised."""
        return self.inversion.distance

    def view(self, **settings: Any) -> Inverting:
        """The same classifier with other settings of the search."""
        if unknown := [name for name in settings if name not in SETTINGS]:
            raise Refused(
                f"Inversion has no setting {', '.join(unknown)}; it has {', '.join(SETTINGS)}."
            )
        other = Inverting(self.inversion, replace(self.settings, **settings), at_once=self.at_once)
        other.passes = self.passes
        return other

    def forward(self, x: Tensor) -> Tensor:
        return -torch.cat([found.total for found in self.chunks(x)]) / self.settings.temperature

    def look(self, x: Tensor) -> dict[str, Any]:
        """`scores`, `costs` (the distance) and `priors` (lambda R) [n,K], `reconstructions`
        [n,K,c,h,w] and `codes` [n,K,d].
        """
        parts = self.chunks(x)
        total, strength, images, codes = (
            torch.cat([getattr(part, name) for part in parts])
            for name in ("total", "strength", "images", "codes")
        )
        priors = self.settings.lambda_ * strength
        shown = {"costs": total - priors, "priors": priors}
        return {"scores": -total, **shown, "reconstructions": images, "codes": codes}

    def chunks(self, x: Tensor) -> list[Objective]:
        """The objectives of images x, as many at a time as `at_once` pairs allow."""
        _check(x)
        return [self._inverted(part) for part in x.split(max(1, self.at_once // self._classes))]

    @property
    def _classes(self) -> int:
        return self.generator.classes

    def _inverted(self, x: Tensor) -> Objective:
        searched = self.searched() * len(x)
        self.passes.forwards += len(x) * self.passes_each()
        self.passes.backwards += searched
        found = self.inversion(x, self.settings)
        if self.settings.gradient == "unrolled" and found.total.requires_grad:
            found.total.register_hook(lambda g: self._counted(len(g) * self.searched()))
        return found

    def searched(self) -> int:
        """Steps of all classes of one image."""
        return sum(active(self.settings.steps, self._classes, pruned=self.settings.pruned))

    def passes_each(self) -> int:
        """Forward passes for one image: of each step, of choosing classes, and of the scores."""
        chosen = judged(self.settings.steps, self._classes, pruned=self.settings.pruned)
        return self.searched() + chosen + self._classes

    def _counted(self, passes: int) -> None:
        self.passes.backwards += passes


def _check(x: Tensor) -> None:
    """Refuse images that are not in [0,1]; estimates of gradients may step out of it a little."""
    low, high = torch.aminmax(x.detach())
    if low < -OUTSIDE or high > 1 + OUTSIDE:
        raise Refused(
            f"Images to invert must lie in [0,1], as the generator draws them; these lie in "
            f"[{low:.3g}, {high:.3g}]: undo their normalisation, or divide bytes by 255."
        )


def classifier(inversion: Inversion, told: Mapping[str, Any]) -> Inverting:
    """The classifier of a search with all options `told`."""
    chosen = {name: told[name] for name in SETTINGS if name in told}
    return Inverting(inversion, Settings(**chosen), at_once=told["at_once"])
