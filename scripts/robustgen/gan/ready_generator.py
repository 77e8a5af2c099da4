"""A trained pair as a Generator for inference."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.gan.pair import Pair, spread
from robustgen.gan.spectral import folded
from robustgen.gan.types import Features, Generator, signed, unsigned
from robustgen.nets.learnt import learnt
from robustgen.nets.spec import Spec


class Ready(Generator):
    """Copies of a pair's networks with folded weights, channels-last, and in bf16 where asked."""

    def __init__(
        self, pair: Pair, features: Features, *, classes: int, dtype: torch.dtype, device: str
    ) -> None:
        super().__init__()
        pair = copy.deepcopy(pair).to(device).to(memory_format=torch.channels_last)
        self.maker = folded(copy.deepcopy(pair.generator))
        self.trained = pair.discriminator  # as it was trained, for further training
        self.judge = folded(copy.deepcopy(pair.discriminator)) if pair.discriminator else None
        self.latent, self.slots = pair.generator.latent, pair.generator.slots
        self.classes, self.dtype = classes, dtype
        self.features, self.progress = features, pair.progress
        self.requires_grad_(False)
        self.train(False)

    @classmethod
    def of(
        cls,
        net: nn.Sequential | None,
        features: Features,
        *,
        spec: Spec,
        dtype: torch.dtype,
        device: str,
    ) -> Ready:
        """The generator of a model's network."""
        return cls(
            learnt(net, Pair, spec), features, classes=spec.classes, dtype=dtype, device=device
        )

    def forward(self, z: Tensor, y: Tensor, extra: Tensor | None = None) -> Tensor:
        with self._precision(z):
            images = self.maker(spread(z, self.slots, extra), y)
        return unsigned(images.float())

    def discriminate(self, x: Tensor, y: Tensor) -> Tensor:
        judge = self._there(self.judge)
        with self._precision(x):
            return judge(signed(x), y).float()

    def discriminator(self) -> nn.Module:
        judge = self._there(self.trained)
        return copy.deepcopy(judge).requires_grad_(True).train()

    def _there(self, judge: nn.Module | None) -> nn.Module:
        if judge is None:
            raise Refused(
                "This generator's weights hold no discriminator, so that nothing can judge its "
                "images; train encoders with `adversary: latent`."
            )
        return judge

    @contextmanager
    def _precision(self, x: Tensor) -> Iterator[None]:
        """bf16 where the generator is in it, or whoever calls it computes in it."""
        kind = x.device.type
        half = self.dtype == torch.bfloat16 or torch.is_autocast_enabled(kind)
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half):
            yield
