"""Strided 1 x 1 convolutions of channels-last images, whose gradient in oneDNN is broken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from robustgen.nets.fold import ConvNorm, Pointwise, fold


@pytest.mark.parametrize("channels", [4, 8, 16])
def test_gradients_are_those_of_a_strided_convolution_in_double_precision(channels: int) -> None:
    """The same sum over every second pixel; with 8 channels and 64 pixels oneDNN's own crashes on
    processors with AVX-512.
    """
    conv = Pointwise(channels, 2 * channels, 1, 2, bias=False)
    conv = conv.to(memory_format=torch.channels_last)
    x = torch.randn(50, channels, 64, 64).contiguous(memory_format=torch.channels_last)
    g = torch.randn(50, 2 * channels, 32, 32)
    (conv(x) * g).sum().backward()
    weight = conv.weight.detach().double().requires_grad_()
    (conv2d(x.double().contiguous(), weight, stride=2) * g.double()).sum().backward()
    assert _relative(conv.weight.grad, weight.grad) < 1e-5
    assert torch.allclose(conv(x), conv2d(x, conv.weight, stride=2), atol=1e-5)


def test_a_folded_one_is_the_same_function() -> None:
    net = torch.nn.Sequential(ConvNorm(4, 6, 1, 2)).eval()
    net[0][1].running_mean.uniform_(-1, 1)
    x = torch.randn(3, 4, 7, 7)
    before = net(x)
    folded = fold(net)
    assert isinstance(folded[0], Pointwise)
    assert torch.allclose(folded(x), before, atol=1e-5)


def _relative(found: Tensor | None, wanted: Tensor | None) -> float:
    assert found is not None
    assert wanted is not None
    return float((found - wanted).abs().max() / wanted.abs().max())
