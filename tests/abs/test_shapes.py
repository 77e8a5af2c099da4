"""Table 2.1: the layers, their sizes and how many parameters they have."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from made_abs import classifier, networks
from robustgen.abs import eabs
from robustgen.abs.batches import balanced, mixed
from robustgen.abs.net import Autoencoders
from robustgen.abs.shapes import shape
from robustgen.core.refusal import Refused

CHANNELS = {"mnist": 1, "supertraffic": 3, "svhn": 3}
SIZE = {"mnist": 28, "supertraffic": 32, "svhn": 32}
LATENT = {"mnist": 10, "supertraffic": 16, "svhn": 40}
ENCODER = {  # channels and sides behind each layer
    "mnist": [(16, 14), (32, 7), (64, 4), (64, 3)],
    "supertraffic": [(16, 16), (32, 8), (64, 4), (128, 1)],
    "svhn": [(32, 16), (64, 8), (128, 4), (128, 1)],
}
DECODER = {
    "mnist": [(32, 4), (32, 11), (16, 25), (8, 28), (1, 28)],
    "supertraffic": [(64, 4), (64, 8), (32, 16), (16, 32), (3, 32)],
    "svhn": [(64, 4), (64, 8), (32, 16), (16, 32), (3, 32)],
}
NAMES = sorted(CHANNELS)


def built(name: str, classes: int = 10, **options: Any) -> Autoencoders:
    return eabs.build(
        channels=CHANNELS[name], classes=classes, size=SIZE[name], shape=name, **options
    )


def outputs(layers: list[nn.Module], run: Any) -> list[tuple[int, ...]]:
    """The shapes of the layers' outputs in a run."""
    seen: list[tuple[int, ...]] = []

    def note(_: nn.Module, __: Any, output: Tensor) -> None:
        seen.append(tuple(output.shape))

    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_layers_have_the_channels_and_sides_of_the_table(name: str) -> None:
    """Sides by o = (i + 2p - k) / s + 1 of a convolution and o = s (i - 1) - 2p + k of a transposed
    one; a decoder starts at side 1.
    """
    net = built(name, classes=2).eval()
    x, z = torch.rand(2, CHANNELS[name], SIZE[name], SIZE[name]), torch.randn(2, 2, LATENT[name])
    convs = [layer for layer in net.encoder.trunk if isinstance(layer, nn.Conv2d)]
    seen = outputs(convs, lambda: net.encode(x))
    assert seen == [(2, c, side, side) for c, side in ENCODER[name]]
    seen = outputs(list(net.decoder.convs), lambda: net.decoder(z))
    assert seen == [(2, 2 * c, side, side) for c, side in DECODER[name]]
    mean, log_variance = net.encode(x)
    assert mean.shape == log_variance.shape == (2, 2, LATENT[name])


COUNTS = {  # encoder, one decoder, discriminator
    # convolutions 25 (16 + 16 32 + 32 64) + 16 64 64, norms 2 (16 + 32 + 64 + 64), two linear
    # layers 576 -> 10; linear 10 -> 32, transposed ones 16 32 32 + 25 32 32 + 25 32 16 + 16 16 8
    # and 8 + 1, norms 2 (32 + 32 + 16 + 8); 10 -> 256 -> 128 -> 1
    "mnist": (129936 + 352 + 2 * 577 * 10, 352 + 56832 + 9 + 176, 11 * 256 + 257 * 128 + 129),
    # 25 (48 + 16 32 + 32 64) + 16 64 128, 2 (16 + 32 + 64 + 128), 128 -> 16; 16 -> 64,
    # 16 (64 64 + 64 64 + 64 32 + 32 16) + 51, 2 (64 + 64 + 32 + 16); 16 -> 256 -> 128 -> 1
    "supertraffic": (
        196272 + 480 + 2 * 129 * 16,
        17 * 64 + 172032 + 51 + 352,
        17 * 256 + 257 * 128 + 129,
    ),
    # 25 (96 + 32 64 + 64 128) + 16 128 128, 2 (32 + 64 + 128 + 128), 128 -> 40; 40 -> 64 and as
    # above; 40 -> 512 -> 256 -> 1
    "svhn": (
        520544 + 704 + 2 * 129 * 40,
        41 * 64 + 172032 + 51 + 352,
        41 * 512 + 513 * 256 + 257,
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_as_many_as_the_table_s_layers_have(name: str) -> None:
    encoder, decoder, discriminator = COUNTS[name]
    for shared, groups in ((True, 1), (False, 10)):
        net = built(name, discriminative=shared)
        assert count(net.encoder) == groups * encoder
        assert count(net.decoder) == 10 * decoder
        assert count(net.discriminator) == groups * discriminator


def count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def test_without_a_there_is_no_discriminator() -> None:
    assert built("mnist", adversarial=False).discriminator is None


def test_width_scales_hidden_channels_and_latent_replaces_the_table_s() -> None:
    """Half of 16, 32, 64, 64 and of 32, 32, 16, 8; the image's channel stays, none falls to 0."""
    half = shape("mnist", channels=1, size=28, width=0.5, latent=None)
    assert [layer.channels for layer in half.encoder] == [8, 16, 32, 32]
    assert [layer.channels for layer in half.decoder] == [16, 16, 8, 4, 1]
    assert (half.discriminator, half.latent) == ((128, 64), 10)
    least = shape("svhn", channels=3, size=32, width=1e-4, latent=7)
    assert {layer.channels for layer in least.encoder} == {1}
    assert [layer.channels for layer in least.decoder] == [1, 1, 1, 1, 3]
    assert least.latent == 7


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": 32}, r"Shape mnist is for images of 28 pixels, these have 32; choose another"),
        ({"classes": 1}, "compares classes; the data set has one alone"),
        ({"latent": 0}, "latent must be a whole number of at least 1, not 0"),
    ],
)
def test_networks_that_cannot_be_are_one_sentence(wrong: dict[str, Any], said: str) -> None:
    told = {"channels": 1, "classes": 3, "size": 28, "shape": "mnist", **wrong}
    with pytest.raises(Refused, match=said):
        eabs.build(**told)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"candidates": 0}, "candidates must be a whole number of at least 1, not 0"),
        (
            {"candidates": 8000, "cache_gib": 0.01},
            r"8000 candidates for 3 classes take 0\.07 GiB, more than the 0\.01 that the model's "
            r"option cache_gib allows; lower candidates or raise it\.",
        ),
        ({"at_once": 0}, "at_once must be a whole number of at least 1, not 0"),
        ({"steps": -1}, "steps must be a whole number of at least 0, not -1"),
    ],
)
def test_inference_that_cannot_be_is_one_sentence(wrong: dict[str, Any], said: str) -> None:
    """3 classes x 8000 candidates x 784 pixels x 4 bytes are 0.07 GiB."""
    with pytest.raises(Refused, match=said):
        classifier(**wrong)


def test_batches_are_balanced_and_whole() -> None:
    """7 images of class 0 and 3 of class 1: 10 images are 5 rows of both classes, of which the
    second shows some image twice; batches of 4 images have 2 rows, and the odd row is left out.
    """
    labels = torch.tensor([0, 1, 0, 0, 1, 0, 0, 1, 0, 0])
    rows = balanced(labels, 4, ["a", "b"], torch.Generator().manual_seed(0))
    assert [tuple(batch.shape) for batch in rows] == [(2, 2), (2, 2)]
    for batch in rows:
        assert torch.equal(labels[batch], torch.tensor([[0, 1], [0, 1]]))
    assert len(set(torch.cat(rows)[:, 0].tolist())) == 4
    assert len(set(torch.cat(rows)[:, 1].tolist())) == 3


def test_mixed_batches_show_each_image_once() -> None:
    parts = mixed(torch.zeros(10, dtype=int), 5, torch.Generator().manual_seed(0))
    assert sorted(torch.cat(parts).tolist()) == list(range(10))
    (all_,) = mixed(torch.zeros(3, dtype=int), 5, torch.Generator().manual_seed(0))
    assert sorted(all_.tolist()) == [0, 1, 2]


def test_a_class_without_images_is_one_sentence() -> None:
    with pytest.raises(Refused, match="No training image is of class b; its autoencoder needs"):
        balanced(torch.zeros(4, dtype=int), 4, ["a", "b"], torch.Generator())


def test_scores_of_the_encoder_alone_need_no_inference() -> None:
    """-c(x, G_k(mu)) + beta log D(mu), of the shared encoder's mean."""
    net, x = networks(), torch.rand(4, 1, 28, 28)
    mean, _ = net.encode(x)
    wanted = [
        ((x - net.decoder(mean)[:, k]) ** 2).sum((1, 2, 3))
        - nn.functional.logsigmoid(net.discriminator(mean[:, :1])[:, 0])
        for k in range(3)
    ]
    torch.testing.assert_close(net(x), -torch.stack(wanted, dim=1))
