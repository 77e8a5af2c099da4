"""Perceptual distances against their definitions and the lpips package."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from robustgen.gan.types import signed
from robustgen.inversion.lpips_distance import Backbone, Lpips
from robustgen.inversion.perceptual import Perceptual
from robustgen.measures.perceptual import by_channel
from robustgen.nets.classifier import Normalize, Plain
from robustgen.nets.vgg import build


def plain() -> Plain:
    torch.manual_seed(0)
    net = build(channels=3, classes=4, size=16, convolutions=(1, 1), width=4)
    return Plain(torch.nn.Sequential(Normalize((0.5,), (0.25,)), net))


def two() -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(1)
    return torch.rand((2, 3, 16, 16), generator=source), torch.rand(
        (2, 3, 16, 16), generator=source
    )


def test_eq_3_6_channel_by_channel() -> None:
    """mean over layers of 1/c sum over channels of ||f/|f| sqrt(wh) - g/|g| sqrt(wh)||^2."""
    net, (x, y) = plain(), two()
    distance = Perceptual(net, metric="VGG", weight=2.0, normalized="channels")
    layers = []
    for f, g in zip(net.taps(x), net.taps(y), strict=True):
        n, c, h, w = f.shape
        total = np.zeros(n)
        for image in range(n):
            for channel in range(c):
                one, other = f[image, channel].numpy(), g[image, channel].numpy()
                unit = [a / max(np.linalg.norm(a), 1e-5) * np.sqrt(h * w) for a in (one, other)]
                total[image] += ((unit[0] - unit[1]) ** 2).sum()
        layers.append(total / c)
    parts = distance.parts(distance.target(x), y)
    np.testing.assert_allclose(parts.perceptual, np.mean(layers, axis=0), rtol=1e-3)
    pixels = ((2 * x - 2 * y) ** 2).flatten(1).sum(dim=1)
    torch.testing.assert_close(parts.pixels, pixels)
    torch.testing.assert_close(distance(distance.target(x), y), pixels + 2 * parts.perceptual)


def test_a_channel_that_is_dead_in_both_images_has_no_distance_and_a_finite_gradient() -> None:
    f = torch.zeros(1, 2, 3, 3, requires_grad=True)
    by_channel(f).sum().backward()
    assert f.grad is not None
    assert torch.isfinite(f.grad).all()


@pytest.mark.parametrize("learnt", [True, False])
@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_it_is_lpips_for_the_same_weights(net: str, learnt: bool) -> None:
    """A random backbone in both; the package takes images in [-1,1]."""
    torch.manual_seed(0)
    backbone = Backbone(net)
    ours = Lpips(backbone, net=net, learnt=learnt, resize=64, metric="LPIPS", weight=1.0)
    x, y = two()
    big = [
        torch.nn.functional.interpolate(signed(one), (64, 64), mode="bilinear") for one in (x, y)
    ]
    theirs = ours.lpips(*big).flatten()
    mine = ours.parts(ours.target(x), y).perceptual
    torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


def test_targets_can_be_chosen_and_repeated() -> None:
    distance, (x, y) = Perceptual(plain(), metric="VGG", weight=1.0, normalized="pixels"), two()
    target = distance.target(x)[torch.tensor([1, 1])]
    found = distance(target, y)
    torch.testing.assert_close(found[1:], distance(distance.target(x[1:]), y[1:]))
