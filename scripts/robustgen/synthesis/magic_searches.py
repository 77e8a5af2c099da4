"""The searches of MAGIC for all sources, modes and starts, sources by sources in flat batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustgen.core.progress import progress
from robustgen.core.seeds import generator
from robustgen.measures.types import Context
from robustgen.nets.classifier import Plain
from robustgen.synthesis.magic_search import Search, Weights, normalized, reference
from robustgen.synthesis.patch_critic import Critic
from robustgen.synthesis.patch_encoder import learnt, patch_encoder
from robustgen.synthesis.per_source import PerSource

PATCH_LR = 0.002  # of Adam, for the patch encoder


@dataclass(frozen=True)
class Searches:
    """The searches by one net; starts and networks of a source are drawn from its own seeds, which
    name no model.
    """

    net: Plain
    options: Mapping[str, Any]
    context: Context
    index: np.ndarray  # [S], the places of the sources in the data set

    def __call__(self, x: Tensor, masks: Tensor, targets: Tensor) -> Tensor:
        """The v [modes,starts,S,c,h,w] at which the searches end, of sources x [S,c,h,w] with masks
        [S,h,w] and targets [modes,S,h,w]. As many sources are searched for at a time as the batch
        holds with all their modes and starts, and at least one.
        """
        each = max(1, self.context.batch // (len(targets) * self.options["starts"]))
        spans = [slice(first, first + each) for first in range(0, len(x), each)]
        shown = progress(spans, total=len(spans), what="batches of sources", last=False)
        found = [self._search(x[one], masks[one], targets[:, one], one) for one in shown]
        return torch.cat(found, dim=2)

    def _search(self, x: Tensor, masks: Tensor, targets: Tensor, span: slice) -> Tensor:
        modes, starts = len(targets), self.options["starts"]
        v = torch.stack([self._start(index, x) for index in self.index[span]], dim=1).to(x)
        search = Search(
            self.net,
            self.patch_encoder(x, masks, span),
            reference(self.net, x),
            targets.repeat_interleave(starts, dim=0),
            weights_of(self.options),
            self.options["steps"],
            self.options["lr"],
            self._critic(x, span) if self.options["critic"] else None,
        )
        return search(v.repeat(modes, 1, 1, 1, 1)).unflatten(0, (modes, starts))

    def patch_encoder(self, x: Tensor, masks: Tensor, span: slice) -> PerSource:
        """The patch encoders of the sources of a span, which have learnt them."""
        drawn = self._generators("patch encoder", span)
        made = patch_encoder(x.shape[1], self.options["patch_width"], drawn).to(x.device)
        return learnt(made, normalized(x), masks, steps=self.options["patch_steps"], lr=PATCH_LR)

    def _critic(self, x: Tensor, span: slice) -> Critic:
        drawn = self._generators("patch critic", span)
        return Critic(normalized(x), width=self.options["patch_width"], generators=drawn)

    def _start(self, index: int, x: Tensor) -> Tensor:
        """Noise [starts,c,h,w], the same in all modes."""
        source = self._generator("magic", index)
        return torch.randn((self.options["starts"], *x.shape[1:]), generator=source)

    def _generators(self, use: str, span: slice) -> list[torch.Generator]:
        return [self._generator(use, index) for index in self.index[span]]

    def _generator(self, use: str, index: int) -> torch.Generator:
        return generator(self.context.seed(use=use, index=int(index)))


def weights_of(options: Mapping[str, Any]) -> Weights:
    """The weights that options name."""
    return Weights(
        class_=options["weight_class"],
        statistics=options["weight_statistics"],
        mask=options["weight_mask"],
        tv_l1=options["weight_tv_l1"],
        tv_l2=options["weight_tv_l2"],
        norm=options["weight_norm"],
        critic=options.get("weight_critic", 0.0) if options["critic"] else 0.0,
    )
