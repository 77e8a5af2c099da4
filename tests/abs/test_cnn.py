"""The discriminative classifier of E-ABS' encoder."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from robustgen.abs import cnn
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import INSIDE, Normalize, Plain

CLASSES = 5
SHAPES = [("mnist", 1, 28), ("supertraffic", 3, 32), ("svhn", 3, 32)]


def model(name: str, channels: int, size: int) -> nn.Sequential:
    """The net behind its normalisation, with norms that do something."""
    torch.manual_seed(0)
    net = cnn.build(channels=channels, classes=CLASSES, size=size, shape=name, width=0.25)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            layer.momentum = 1.0
    net(torch.randn(32, channels, size, size))
    return nn.Sequential(Normalize((0.5,), (0.25,)), net.eval())


@pytest.mark.parametrize(("name", "channels", "size"), SHAPES)
def test_folded_it_is_the_same_function(name: str, channels: int, size: int) -> None:
    """No norm is left of four; layers, features and scores are those of the unfolded net, and the
    linear layer of the features gives the scores.
    """
    whole, x = model(name, channels, size), torch.rand(3, channels, size, size)
    plain = Plain(whole)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in whole.modules()) == 4
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    torch.testing.assert_close(plain(x), whole(x), rtol=1e-4, atol=1e-5)
    assert all(hasattr(plain.net, part) for part in INSIDE)
    seen = plain.look(x)
    trunk = outputs(whole[1], whole[0](x))
    assert len(seen["layers"]) == 4 + 1
    for ours, theirs in zip(seen["layers"], trunk, strict=False):
        torch.testing.assert_close(ours, theirs.flatten(1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen["features"], trunk[-1].flatten(1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen["scores"], plain(x))
    torch.testing.assert_close(whole[1].linear(seen["features"]), seen["scores"])


def outputs(net: nn.Module, x: Tensor) -> list[Tensor]:
    """The outputs of the activations, by hooks."""
    found: list[Tensor] = []
    for layer in net.trunk:
        if isinstance(layer, nn.LeakyReLU):
            layer.register_forward_hook(lambda *_: found.append(_[2]))
    net(x)
    return found


def test_it_has_the_encoder_s_parameters_and_one_linear_layer() -> None:
    """Convolutions and norms of Table 2.1 for SVHN, and 128 features for 10 classes."""
    net = cnn.build(channels=3, classes=10, size=32, shape="svhn")
    assert sum(one.numel() for one in net.parameters()) == 520544 + 704 + 129 * 10


def test_dropout_acts_in_training_alone() -> None:
    whole, x = model("mnist", 1, 28), torch.rand(2, 1, 28, 28)
    assert torch.equal(whole(x), whole(x))
    net = whole[1]
    net.dropout.train()
    assert not torch.equal(net(x), net(x))


def test_another_size_is_one_sentence() -> None:
    with pytest.raises(Refused, match="Shape svhn is for images of 32 pixels, these have 28"):
        cnn.build(channels=1, classes=2, size=28, shape="svhn")
