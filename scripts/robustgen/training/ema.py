"""Exponential moving averages of a module's parameters."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from robustgen.core.refusal import Refused


class Ema(nn.Module):
    """A copy of a module in evaluation mode that follows it: average <- decay * average +
    (1 - decay) * parameter. Buffers, such as running means, are copied.
    """

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise Refused(f"The decay of a moving average must be in [0,1), not {decay!r}.")
        self.decay = decay
        self.average = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take one step towards the module's present parameters."""
        for mine, theirs in zip(self.average.parameters(), module.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self.decay)
        for held, present in zip(self.average.buffers(), module.buffers(), strict=True):
            held.copy_(present)

    def train(self, mode: bool = True) -> Ema:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, *inputs: Any) -> Any:
        """What the averaged module gives."""
        return self.average(*inputs)
