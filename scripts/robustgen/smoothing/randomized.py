"""Randomized smoothing (Cohen et al. 2019): a base model under Gaussian noise N(0, sigma^2).

`forward` gives scores that an attack can differentiate: the log of the mean softmax over `samples`
draws, or with `hard` the share of draws that vote for a class. `look` gives the votes from which
robustgen.smoothing.certificate certifies a radius. Noisy images are not clipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from robustgen.core.values import number, whole
from robustgen.nets.classifier import Classifier
from robustgen.nets.spec import Spec
from robustgen.smoothing.around import Around

PARTS = {"base": "classifier"}
SHOWS = ("scores", "selection", "votes", "sigma")
TINY = 1e-12
OPTIONS = {
    "sigma": {
        "type": "number",
        "above": 0,
        "default": 0.25,
        "means": "Standard deviation of the noise.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 100,
        "means": "Draws behind the scores.",
    },
    "hard": {
        "type": "true or false",
        "default": False,
        "means": "Scores are shares of votes; no gradient comes through.",
    },
    "select": {
        "type": "whole number",
        "least": 1,
        "default": 100,
        "means": "Draws that choose the class which is certified.",
    },
    "votes": {
        "type": "whole number",
        "least": 1,
        "default": 100_000,
        "means": "Draws that certify it.",
    },
    "at_once": {
        "type": "whole number",
        "least": 1,
        "default": 2000,
        "means": "Images that the base model is shown at a time; bounds the memory of inference.",
    },
}
VIEWS = {
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 100,
        "means": "Draws behind the scores.",
    },
}


class Randomized(Around):
    """The base model's answers for noisy versions of an image."""

    def __init__(
        self,
        base: Classifier,
        *,
        classes: int,
        sigma: float = 0.25,
        samples: int = 100,
        hard: bool = False,
        select: int = 100,
        votes: int = 100_000,
        at_once: int = 2000,
    ) -> None:
        super().__init__(base)
        number("Randomized smoothing's sigma", sigma, least=TINY)
        counts = {"samples": samples, "select": select, "votes": votes, "at_once": at_once}
        for name, count in counts.items():
            whole(f"Randomized smoothing's {name}", count, least=1)
        self.told: dict[str, Any] = {"classes": classes, "sigma": sigma, "hard": hard, **counts}

    def view(self, **settings: Any) -> Randomized:
        """The same classifier with other settings, and the same random numbers."""
        other = Randomized(self.base, **{**self.told, **settings})
        other.generator = self.generator
        return other

    def forward(self, x: Tensor) -> Tensor:
        if self.told["hard"]:
            return self._votes(x, self.told["samples"]) / self.told["samples"]
        drawn = self._drawn(x, self.told["samples"])
        total = torch.stack([z.softmax(dim=2).sum(dim=1) for z in drawn]).sum(dim=0)
        return (total / self.told["samples"]).clamp_min(TINY).log()

    def look(self, x: Tensor) -> dict[str, Any]:
        """`selection` and `votes`: how many of the draws vote for each class [n,K]; `sigma`."""
        with torch.no_grad():
            selection, votes = (self._votes(x, self.told[name]) for name in ("select", "votes"))
        return {"selection": selection, "votes": votes, "sigma": self.told["sigma"]}

    def _votes(self, x: Tensor, draws: int) -> Tensor:
        """How many of the draws vote for each class [n,K]."""
        found = x.new_zeros(len(x), self.told["classes"])
        for z in self._drawn(x, draws):
            found += one_hot(z.argmax(dim=2), self.told["classes"]).sum(dim=1)
        return found

    def _drawn(self, x: Tensor, draws: int) -> Iterator[Tensor]:
        """The base model's scores [n,m,K] for m draws of noise at a time, `draws` in all."""
        most = max(1, self.told["at_once"] // len(x))
        for done in range(0, draws, most):
            shape = (len(x), min(most, draws - done), *x.shape[1:])
            noise = torch.randn(shape, generator=self.generator).to(x)
            noisy = (x[:, None] + self.told["sigma"] * noise).flatten(0, 1)
            yield self.base(noisy).float().unflatten(0, shape[:2])


def passes(options: Mapping[str, Any], classes: int) -> float:
    """Forward passes of the base model that a pass over one image costs."""
    del classes
    return float(options["samples"])


def freeze(
    net: None, parts: Mapping[str, Any], *, spec: Spec, dtype: torch.dtype, device: str
) -> Randomized:
    """The classifier around its base model; nothing is trained."""
    del net, dtype, device
    return Randomized(parts["base"], classes=spec.classes, **spec.options)
