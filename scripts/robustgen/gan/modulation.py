"""Batch normalisation with gains and biases per image, by which codes and classes enter a
generator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MOMENTUM = 0.1
EPS = 1e-5


class Statistics(nn.Module):
    """Batch normalisation without parameters of its own; the names are those of BigGAN-PyTorch."""

    stored_mean: Tensor
    stored_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(channels))
        self.register_buffer("stored_var", torch.ones(channels))

    def modulated(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """gain * (x - mean) / sd + bias of x [n,c,h,w] with gains and biases [n,c]."""
        if not self.training:
            return self._fixed(x, gain, bias)
        normed = functional.batch_norm(
            x, self.stored_mean, self.stored_var, None, None, True, MOMENTUM, EPS
        )
        gain, bias = gain.to(normed.dtype), bias.to(normed.dtype)
        return torch.addcmul(bias[:, :, None, None], normed, gain[:, :, None, None])

    def _fixed(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """The same by stored moments, as one multiplication and addition."""
        scale = gain * (self.stored_var + EPS).rsqrt()
        shift = bias - self.stored_mean * scale
        scale, shift = scale.to(x.dtype), shift.to(x.dtype)
        return torch.addcmul(shift[:, :, None, None], x, scale[:, :, None, None])


class SelfModulated(Statistics):
    """Gain and bias from h = ReLU(W c): gain = 1 + W_g h, bias = W_b h, of a condition c [n,d]."""

    def __init__(self, channels: int, condition: int, hidden: int) -> None:
        super().__init__(channels)
        self.hidden = nn.Linear(condition, hidden)
        self.gain = nn.Linear(hidden, channels)
        self.bias = nn.Linear(hidden, channels)

    def start(self) -> None:
        """Begin with weights of N(0, 0.02) and biases of zero."""
        for layer in (self.hidden, self.gain, self.bias):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = functional.relu(self.hidden(condition))
        return self.modulated(x, 1 + self.gain(h), self.bias(h))
