"""Variational smoothing (An Ju 2021, chapter 4): the score of a class is the expected
log-likelihood of the class under noise that favours it, found for each image and class at
inference.

Of Algorithm 5 the thesis prints arg min; the ELBO is to be raised, so this is arg max: a targeted
attack towards each class, from a random start in the ball. A class's noise is then normal around
the point found, x + mu clipped to images. All classes share their draws of that noise, so that they
differ by what favours them and by nothing else. Scores do not sum to 1 in exp.

The base model answers for a flat batch of images x classes (x draws), of at most `at_once` images
at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from robustgen.attacks.balls import ball
from robustgen.core.refusal import Refused
from robustgen.core.values import whole
from robustgen.nets.classifier import Classifier
from robustgen.nets.spec import Spec
from robustgen.smoothing.around import Around
from robustgen.smoothing.inference import (
    Noise,
    Settings,
    full,
    log_likelihood,
    simplified,
)

PARTS = {"base": "classifier"}
BOTH = 3  # a forward and a backward pass, in forward passes
OPTIONS = {
    "eps": {
        "type": "number",
        "above": 0,
        "radius": "norm",
        "means": "Radius d of the ball that the mean of the noise is sought in; the thesis takes "
        "the budget of the attack.",
    },
    "norm": {"one_of": ("linf", "l2"), "default": "linf", "means": "Norm of that ball."},
    "steps": {"type": "whole number", "least": 1, "default": 1, "means": "Steps of inference."},
    "rel_step": {
        "type": "number",
        "above": 0,
        "default": None,
        "means": "Size of a step in units of eps; 1.25 for one step and 2.5 / n for n where empty.",
    },
    "sigma": {
        "type": "number",
        "above": 0,
        "default": 0.05,
        "means": "Standard deviation of the noise around its mean.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Draws of the noise over which log-likelihoods are averaged.",
    },
    "method": {
        "one_of": ("simplified", "full"),
        "default": "simplified",
        "means": "simplified: Algorithm 5, a mean in the ball and a fixed variance; full: eq. 4.6, "
        "Adam over mean and diagonal variance without a ball.",
    },
    "kl": {
        "type": "true or false",
        "default": False,
        "means": "Subtract the divergence of the noise from its prior N(0, sigma^2), as in eq. "
        "4.8; Algorithm 5 leaves it out.",
    },
    "hard": {
        "type": "true or false",
        "default": False,
        "means": "Score a class by the share of draws that are classified as it; no gradient "
        "comes through.",
    },
    "at_once": {
        "type": "whole number",
        "least": 1,
        "default": 2000,
        "means": "Images that the base model is shown at a time; bounds the memory of inference.",
    },
}
VIEWS = {
    "gradient": {
        "one_of": ("detached", "unrolled"),
        "default": "detached",
        "means": "What an attack differentiates: detached takes mu for a constant; unrolled goes "
        "through the steps of inference, with a smooth stand-in for the derivative of the sign.",
    },
    "steps": {"type": "whole number", "least": 1, "default": 1, "means": "Steps of inference."},
    "samples": {"type": "whole number", "least": 1, "default": 5, "means": "Draws of the noise."},
}


class Variational(Around):
    """The scores E log p(y | x + e) [n,K] under the noise that favours each class y."""

    def __init__(
        self, base: Classifier, settings: Settings, *, classes: int, at_once: int = 2000
    ) -> None:
        super().__init__(base)
        whole("Variational smoothing's at_once", at_once, least=1)
        self.settings, self.classes, self.at_once = settings, classes, at_once

    def view(self, **settings: Any) -> Variational:
        """The same classifier with other settings of inference, and the same random numbers."""
        unknown = [name for name in settings if name not in Settings.__dataclass_fields__]
        if unknown:
            raise Refused(
                f"Variational smoothing has no setting {', '.join(unknown)}; it has "
                f"{', '.join(Settings.__dataclass_fields__)}."
            )
        told = replace(self.settings, **settings)
        other = Variational(self.base, told, classes=self.classes, at_once=self.at_once)
        other.generator = self.generator
        return other

    def forward(self, x: Tensor) -> Tensor:
        told = self.settings
        drawn = torch.randn((len(x), told.samples, *x.shape[1:]), generator=self.generator).to(x)
        each = x.repeat_interleave(self.classes, dim=0)  # [nK,c,h,w], all classes of an image
        start = ball(told.norm, told.eps).start(each.detach(), self.generator)
        start = start + (each - each.detach())  # the same offset for whatever x
        favoured = torch.arange(self.classes, device=x.device).repeat(len(x))
        image = torch.arange(len(x), device=x.device).repeat_interleave(self.classes)
        size = max(1, self.at_once // told.samples)
        found = [
            self._scores(each[part], favoured[part], start[part], drawn[image[part]])
            for part in torch.arange(len(each), device=x.device).split(size)
        ]
        return torch.cat(found).reshape(len(x), self.classes)

    def _scores(self, x: Tensor, y: Tensor, start: Tensor, drawn: Tensor) -> Tensor:
        """The scores [m] of a flat batch, each for its class y [m]; `drawn` is standard normal
        [m,samples,c,h,w].
        """
        noise, told = self._noise(x, y, start), self.settings
        sigma = noise.sigma if isinstance(noise.sigma, float) else noise.sigma[:, None]
        noisy = (noise.points[:, None] + sigma * drawn).flatten(0, 1)
        each = y.repeat_interleave(told.samples)
        if told.hard:
            hits = (self.base(noisy).argmax(dim=1) == each).float()
        else:
            hits = log_likelihood(self.base, noisy, each)
        score = hits.reshape(len(x), told.samples).mean(dim=1)
        return score - noise.divergence if told.kl else score

    def _noise(self, x: Tensor, y: Tensor, start: Tensor) -> Noise:
        told = self.settings
        if told.method == "full":
            return full(self.base, x, y, start, told, generator=self.generator)
        unrolled = told.gradient == "unrolled" and x.requires_grad
        return simplified(self.base, x, y, start, told, unrolled=unrolled)


def passes(options: Mapping[str, Any], classes: int) -> float:
    """Forward passes of the base model that a pass over one image costs."""
    inference = BOTH * int(options["steps"])
    return float(classes * (inference + int(options["samples"])))


def freeze(
    net: None, parts: Mapping[str, Any], *, spec: Spec, dtype: torch.dtype, device: str
) -> Variational:
    """The classifier around its base model; nothing is trained."""
    del net, dtype, device
    told = {name: value for name, value in spec.options.items() if name != "at_once"}
    at_once = {"at_once": spec.options["at_once"]} if "at_once" in spec.options else {}
    return Variational(parts["base"], Settings(**told), classes=spec.classes, **at_once)
