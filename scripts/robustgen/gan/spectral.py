"""Layers with spectral normalisation, W / sigma(W), by one power iteration per training step.

The buffers bear the names of BigGAN-PyTorch, u0 [1,rows] and sv0 [1], so that its files fit. An
average of such layers takes averaged weights and the present u0; an averaged u0 would be too short.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6


class Normed(nn.Module):
    """What the three layers share: sigma of `weight`, whose first dimension counts rows."""

    weight: Tensor
    u0: Tensor
    sv0: Tensor

    def _register(self) -> None:
        self.register_buffer("u0", torch.randn(1, self.weight.shape[0]))
        self.register_buffer("sv0", torch.ones(1))
        self.folded = False

    def normed(self) -> Tensor:
        """W / sigma(W); training moves u0 by one power iteration."""
        if self.folded:
            return self.weight
        if self.weight.is_meta:  # where operations are counted, and there is no autocast
            return self.weight / self._sigma()
        with torch.autocast(self.weight.device.type, enabled=False):
            return self.weight / self._sigma()

    def fold(self) -> None:
        """Put W / sigma(W) in the place of W, for inference."""
        with torch.no_grad():
            self.weight.copy_(self.normed())
        self.folded = True

    def _sigma(self) -> Tensor:
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            v = functional.normalize(self.u0 @ matrix, eps=EPS)  # [1,columns]
            u = functional.normalize(v @ matrix.T, eps=EPS)  # [1,rows]
        sigma = (u @ matrix * v).sum()
        if self.training:
            # new tensors, as the graph of an earlier pass may hold the old ones
            self.u0, self.sv0 = u, sigma.detach().reshape(1)
        return sigma


class Conv(nn.Conv2d, Normed):
    """A convolution that keeps the size."""

    def __init__(self, inside: int, outside: int, kernel: int = 3, *, bias: bool = True) -> None:
        super().__init__(inside, outside, kernel, padding=kernel // 2, bias=bias)
        self._register()

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.normed(), self.bias)


class Linear(nn.Linear, Normed):
    """A linear layer."""

    def __init__(self, inside: int, outside: int, *, bias: bool = True) -> None:
        super().__init__(inside, outside, bias=bias)
        self._register()

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.normed(), self.bias)


class Embedding(nn.Embedding, Normed):
    """A vector per class."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__(count, width)
        self._register()

    def forward(self, y: Tensor) -> Tensor:
        return functional.embedding(y, self.normed())


def folded(module: nn.Module) -> nn.Module:
    """The module, in evaluation mode, whose layers hold their normalised weights; changes it."""
    module.eval()
    for layer in module.modules():
        if isinstance(layer, Normed):
            layer.fold()
    return module


def initialised(module: nn.Module, start: Any) -> None:
    """Fill the weights of all convolutions, linear layers and embeddings by `start`, and their
    biases by zero.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            start(layer.weight)
            bias = getattr(layer, "bias", None)
            if bias is not None:
                nn.init.zeros_(bias)
