"""Self-attention over feature maps (Zhang et al. 2019), with the names of BigGAN-PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgen.core.refusal import Refused
from robustgen.gan.spectral import Conv

NARROW = 8  # times fewer channels of queries and keys


class Attention(nn.Module):
    """x + gamma * o(softmax(theta^T phi) g), where phi and g are pooled; gamma begins at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < NARROW:
            raise Refused(
                f"Self-attention needs {NARROW} channels, not {channels}; raise `ch`, or set "
                "`attention` to 0."
            )
        self.theta = Conv(channels, channels // NARROW, 1, bias=False)
        self.phi = Conv(channels, channels // NARROW, 1, bias=False)
        self.g = Conv(channels, channels // 2, 1, bias=False)
        self.o = Conv(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        queries = self._rows(self.theta(x))
        keys = self._rows(functional.max_pool2d(self.phi(x), 2))
        values = self._rows(functional.max_pool2d(self.g(x), 2))
        seen = functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)
        return self.gamma * self.o(seen.transpose(1, 2).reshape(n, -1, h, w)) + x

    def _rows(self, x: Tensor) -> Tensor:
        """Feature maps [n,c,h,w] as [n,h*w,c]."""
        return x.flatten(2).transpose(1, 2)
