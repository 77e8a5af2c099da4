"""Convolution with batch normalisation, foldable into one convolution once weights are frozen."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution without padding that takes every `stride`-th pixel first.

    oneDNN's gradient of a strided one writes beyond its memory where channels-last images have few
    channels (its issue 6035): training crashes, or has wrong gradients.
    """

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.stride
        return functional.conv2d(x[..., ::down, ::across], self.weight, self.bias)


class ConvNorm(nn.Sequential):
    """A convolution without bias, padded to keep the size, then batch normalisation."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int) -> None:
        form = Pointwise if kernel == 1 else nn.Conv2d
        conv = form(inside, outside, kernel, stride, padding=kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outside))


def fold(module: nn.Module) -> nn.Module:
    """The same function with each convolution and the norm behind it as one convolution; evaluation
    mode only. Those are ConvNorms, and the pairs of names in the attribute `folds` of a module.

    Changes `module` in place.
    """
    for name, child in module.named_children():
        if isinstance(child, ConvNorm):
            setattr(module, name, _fused(child[0], child[1]))
        else:
            fold(child)
    pairs: tuple[tuple[str, str], ...] = getattr(module, "folds", ())
    for conv, norm in pairs:
        setattr(module, conv, _fused(getattr(module, conv), getattr(module, norm)))
        setattr(module, norm, nn.Identity())
    return module


def _fused(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    return fuse_conv_bn_eval(cast(nn.Conv2d, conv.eval()), cast(nn.BatchNorm2d, norm.eval()))
