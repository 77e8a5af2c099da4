"""The classifier that explains an image by each class's decoder: scores are -l_k."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.abs.inference import Inference, Posterior, Settings
from robustgen.abs.losses import cost
from robustgen.core.refusal import Refused
from robustgen.core.values import whole
from robustgen.nets.classifier import Classifier

SETTINGS = tuple(Settings.__dataclass_fields__)


class Synthesis(Classifier):
    """Scores -l_k [n,K] by inference, for flat batches of images x classes.

    `told` holds all options of robustgen.abs.eabs; `decoder` is that of the final estimate.

    The gradient of an image is 2 (x - G(z*)) with z* held fixed (eq. 2.9), or goes through the
    steps of inference where the view `gradient` is unrolled. Passes are those of one decoder for
    one image; building the candidates, which is done once, is not counted.
    """

    def __init__(self, infer: Inference, decoder: nn.Module, told: Mapping[str, Any]) -> None:
        super().__init__()
        self.infer, self.decoder, self.told = infer, decoder, dict(told)
        self.settings = Settings(**{name: told[name] for name in SETTINGS if name in told})
        whole("Inference's at_once", told["at_once"], least=1)
        self.stochastic = infer.variational
        self.generator = torch.Generator()

    def reseed(self, generator: torch.Generator) -> None:
        """Draw all random numbers from `generator` from now on."""
        self.generator = generator

    def view(self, **settings: Any) -> Synthesis:
        """The same classifier with other settings of inference, and the same random numbers."""
        if unknown := [name for name in settings if name not in SETTINGS]:
            raise Refused(
                f"Inference has no setting {', '.join(unknown)}; it has {', '.join(SETTINGS)}."
            )
        other = Synthesis(self.infer, self.decoder, {**self.told, **settings})
        other.generator, other.passes = self.generator, self.passes
        return other

    def forward(self, x: Tensor) -> Tensor:
        size = max(1, self.told["at_once"] // self.infer.net.classes)
        return torch.cat([self._scores(part) for part in x.split(size)])

    def look(self, x: Tensor) -> dict[str, Any]:
        """`scores` [n,K] of one run; `reconstructions` [n,K,c,h,w], `costs` and `priors` [n,K] at
        one draw of Q*, and its `means` and `log_variances` [n,K,M] (of ABS, which has none, zeros).
        """
        size = max(1, self.told["at_once"] // self.infer.net.classes)
        parts = [self._looked(part) for part in x.split(size)]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Images [K,count,c,h,w] that each class draws from the prior N(0, I); all classes decode
        the same latents.
        """
        net = self.infer.net
        z = torch.randn((count, 1, net.latent), generator=generator).expand(-1, net.classes, -1)
        return self._decoded(z.to(next(net.parameters()))).transpose(0, 1)

    def _scores(self, x: Tensor) -> Tensor:
        """The mean of -l_k over runs of inference, divided by the temperature."""
        runs = [self._estimate(x, self._inferred(x)) for _ in range(self.settings.runs)]
        return self._counted(-torch.stack(runs).mean(dim=0) / self.settings.temperature)

    def _counted(self, scores: Tensor) -> Tensor:
        """The scores [n,K]; a gradient that goes through inference counts, once for each step and
        each draw.
        """
        told = self.settings
        each = self.infer.net.classes * told.runs * (told.steps + self._draws())

        def back(gradient: Tensor) -> None:
            self.passes.backwards += len(gradient) * each

        if told.gradient == "unrolled" and scores.requires_grad:
            scores.register_hook(back)
        return scores

    def _draws(self) -> int:
        """Draws of the final estimate; one, where Q* has no variance."""
        return self.settings.samples if self.stochastic else 1

    def _inferred(self, x: Tensor) -> Posterior:
        decoded = len(x) * self.infer.net.classes
        self.passes.forwards += decoded * (1 + self.settings.steps)
        self.passes.backwards += decoded * self.settings.steps
        return self.infer(x, self.settings, self.generator)

    def _estimate(self, x: Tensor, q: Posterior) -> Tensor:
        """l_k [n,K], the mean over draws of Q*."""
        draws = self._draws()
        found = torch.zeros((len(x), self.infer.net.classes), device=x.device)
        for _ in range(draws):
            z = q.sampled(self.generator)
            found = found + cost(x, self._decoded(z)) + self.infer.prior(q, z)
        return found / draws

    def _decoded(self, z: Tensor) -> Tensor:
        self.passes.forwards += z.shape[0] * z.shape[1]
        images: Tensor = self.decoder(z)
        return images

    def _looked(self, x: Tensor) -> dict[str, Tensor]:
        q = self._inferred(x)
        z = q.sampled(self.generator)
        images = self._decoded(z)
        return {
            "scores": -self._estimate(x, q),
            "reconstructions": images,
            "costs": cost(x, images),
            "priors": self.infer.prior(q, z),
            "means": q.mean,
            "log_variances": torch.zeros_like(z) if q.log_variance is None else q.log_variance,
        }
