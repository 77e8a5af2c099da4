"""A randomised classifier around a base model, whose passes and random numbers are its own."""

from __future__ import annotations

import torch

from robustgen.nets.classifier import Classifier


class Around(Classifier):
    """Draws from one generator, counts the passes of its base model."""

    stochastic = True

    def __init__(self, base: Classifier) -> None:
        super().__init__()
        self.base, self.passes = base, base.passes
        self.generator = torch.Generator()

    def reseed(self, generator: torch.Generator) -> None:
        """Draw all random numbers from `generator` from now on, the base model's too."""
        self.generator = generator
        self.base.reseed(generator)
