"""The networks of both kinds: shapes, places of codes, BigGAN's published shapes, refusals."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from made_gan import BIGGAN, CGAN, Means, normal, settled, spec, uniform
from robustgen.core.refusal import Refused
from robustgen.data.store import Images
from robustgen.gan import biggan, cgan
from robustgen.gan.attention import Attention
from robustgen.gan.modulation import SelfModulated
from robustgen.gan.pair import Pair, spread
from robustgen.gan.ready_generator import Ready
from robustgen.nets import own

KINDS = [(cgan, CGAN, 16, 3), (cgan, CGAN, 32, 4), (biggan, BIGGAN, 32, 4)]
IMAGENETTE = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]
PUBLISHED = {"ch": 96, "latent": 120, "attention": 64, "embedded": 1000, "rows": IMAGENETTE}


def pair(kind: Any, told: dict[str, Any], size: int, classes: int = 3) -> Pair:
    torch.manual_seed(0)
    return kind.build(channels=3, classes=classes, size=size, **told)


def ready(kind: Any, told: dict[str, Any], size: int, dtype: Any = torch.float32) -> Ready:
    net = nn.Sequential(nn.Identity(), settled(pair(kind, told, size)))
    of = spec(kind.__name__.split(".")[-1], size, 3, **told)
    return kind.freeze(net, {"features": Means()}, spec=of, dtype=dtype, device="cpu")


def named(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


# --- places of codes ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(3))
def test_extra_of_zero_changes_nothing_and_each_places_own_changes_the_image(case: int) -> None:
    """Of BigGAN, place i reads chunk i alone, so that other chunks of extra i change nothing."""
    kind, told, size, slots = KINDS[case]
    made = ready(kind, told, size).double()
    assert made.slots == slots
    z, y = normal(2, made.latent).double(), torch.tensor([0, 2])
    x = made(z, y)
    assert x.shape == (2, 3, size, size)
    assert 0 <= x.min() <= x.max() <= 1
    extra = torch.zeros(2, slots, made.latent, dtype=torch.float64)
    torch.testing.assert_close(made(z, y, extra), x)
    chunk = made.latent // slots
    for slot in range(slots):
        extra = torch.zeros(2, slots, made.latent, dtype=torch.float64)
        extra[0, slot] = normal(made.latent, seed=slot)
        moved = made(z, y, extra)
        assert (moved[0] - x[0]).abs().max() > 1e-3
        torch.testing.assert_close(moved[1], x[1])
        if kind is biggan:
            extra[:, slot, slot * chunk : (slot + 1) * chunk] = 0
            torch.testing.assert_close(made(z, y, extra), x)


@pytest.mark.parametrize("case", range(3))
def test_the_same_extra_everywhere_is_another_z(case: int) -> None:
    kind, told, size, slots = KINDS[case]
    made = ready(kind, told, size).double()
    z, d = (normal(2, made.latent, seed=seed).double() for seed in (0, 1))
    y = torch.tensor([0, 2])
    extra = d[:, None].expand(-1, slots, -1)
    torch.testing.assert_close(made(z, y, extra), made(z + d, y))


@pytest.mark.parametrize("case", range(3))
def test_a_frozen_generator_gives_what_the_networks_give_and_has_no_parameter_gradients(
    case: int,
) -> None:
    kind, told, size, slots = KINDS[case]
    net, made = settled(pair(kind, told, size)), ready(kind, told, size)
    z, y, x = normal(2, made.latent), torch.tensor([0, 2]), uniform(2, 3, size, size)
    plain = (net.generator(spread(z, slots), y) + 1) / 2
    torch.testing.assert_close(made(z, y), plain, atol=1e-5, rtol=1e-4)
    logits = net.discriminator(2 * x - 1, y)
    torch.testing.assert_close(made.discriminate(x, y), logits, atol=1e-3, rtol=1e-4)
    copied = made.discriminator()
    assert copied.training
    assert all(parameter.requires_grad for parameter in copied.parameters())
    torch.testing.assert_close(copied.eval()(2 * x - 1, y), logits, atol=1e-3, rtol=1e-4)
    assert not any(parameter.requires_grad for parameter in made.parameters())
    z.requires_grad_()
    made.train()(z, y).sum().backward()
    assert z.grad.abs().sum() > 0


def test_bf16_gives_nearly_the_same_images() -> None:
    z, y = normal(4, 6), torch.tensor([0, 1, 2, 0])
    full, half = (ready(cgan, CGAN, 16, dtype)(z, y) for dtype in (torch.float32, torch.bfloat16))
    assert half.dtype == torch.float32
    assert (full - half).abs().mean() < 0.02


# --- layers ---------------------------------------------------------------------------------------


def test_self_modulation_by_hand() -> None:
    """gain (x - mean) / sqrt(var + eps) + bias, gain = 1 + W_g relu(W c), bias = W_b relu(W c);
    training takes the batch's moments and follows them by a tenth.
    """
    layer = SelfModulated(2, 3, 4)
    nn.init.normal_(layer.bias.weight)
    x, c = normal(5, 2, 3, 3), normal(5, 3, seed=1)
    h = layer.hidden(c).relu()
    gain, bias = 1 + layer.gain(h)[:, :, None, None], layer.bias(h)[:, :, None, None]
    normed = functional.batch_norm(x, None, None, training=True)
    torch.testing.assert_close(layer.train()(x, c), gain * normed + bias)
    torch.testing.assert_close(layer.stored_mean, 0.1 * x.mean(dim=(0, 2, 3)))
    mean, var = (t[:, None, None] for t in (layer.stored_mean, layer.stored_var))
    by_hand = gain * (x - mean) / (var + 1e-5).sqrt() + bias
    torch.testing.assert_close(layer.eval()(x, c), by_hand)


def test_attention_is_softmax_of_queries_and_pooled_keys() -> None:
    layer = Attention(8).eval()
    nn.init.constant_(layer.gamma, 0.7)
    x = normal(2, 8, 4, 4)
    theta, phi, g = layer.theta(x), layer.phi(x), layer.g(x)
    phi, g = (functional.max_pool2d(t, 2).flatten(2) for t in (phi, g))
    beta = (theta.flatten(2).transpose(1, 2) @ phi).softmax(dim=2)  # [n,hw,hw/4]
    seen = (g @ beta.transpose(1, 2)).reshape(2, 4, 4, 4)
    torch.testing.assert_close(layer(x), 0.7 * layer.o(seen) + x)


def test_quantise_forward_goes_on_with_the_codes_and_loss_alone_does_not() -> None:
    x, y = normal(2, 3, 32, 32), torch.tensor([0, 1])
    nets = [
        pair(biggan, {**BIGGAN, "quantize_forward": forward}, 32).discriminator
        for forward in (False, True)
    ]
    plain = pair(biggan, {**BIGGAN, "quantized": []}, 32).discriminator.eval()
    state = plain.state_dict()
    for net in nets:
        net.load_state_dict(state, strict=False)
        net.quantizers["1"]._start(normal(8, 8, seed=3))
    alone, forward = (net.eval().verdict(x, y) for net in nets)
    torch.testing.assert_close(alone.logits, plain(x, y))
    assert (forward.logits - alone.logits).abs().max() > 1e-3
    h = nets[0].blocks[1][0](nets[0].blocks[0][0](x))
    q = nets[0].quantizers["1"](h).codes
    torch.testing.assert_close(alone.commitment, (q - h).square().mean(dim=(1, 2, 3)))


# --- published weights ----------------------------------------------------------------------------


def test_biggan_128_has_the_published_names_and_shapes() -> None:
    """Of G_ema.pth of BigGAN-PyTorch at ch 96: six chunks of 20, blocks of 16, 16, 8, 4, 2, 1
    times 96 channels, norms that take the class's 128 numbers and a chunk, attention at 64 pixels.
    """
    with torch.device("meta"):
        net = biggan.build(channels=3, classes=10, size=128, **PUBLISHED)
    found = named(net.generator.state_dict())
    widths = [96 * factor for factor in (16, 16, 8, 4, 2, 1)]
    wanted: dict[str, tuple[int, ...]] = {"shared.weight": (1000, 128)}

    def normed(name: str, *shape: int, bias: bool = True) -> None:
        wanted[f"{name}.weight"] = shape
        wanted.update({f"{name}.bias": shape[:1]} if bias else {})
        wanted.update({f"{name}.u0": (1, shape[0]), f"{name}.sv0": (1,)})

    def moments(name: str, width: int) -> None:
        wanted.update({f"{name}.stored_mean": (width,), f"{name}.stored_var": (width,)})

    normed("linear", 24576, 20)
    for i, (inside, outside) in enumerate(itertools.pairwise(widths)):
        normed(f"blocks.{i}.0.conv1", outside, inside, 3, 3)
        normed(f"blocks.{i}.0.conv2", outside, outside, 3, 3)
        normed(f"blocks.{i}.0.conv_sc", outside, inside, 1, 1)
        for norm, width in (("bn1", inside), ("bn2", outside)):
            moments(f"blocks.{i}.0.{norm}", width)
            normed(f"blocks.{i}.0.{norm}.gain", width, 148, bias=False)
            normed(f"blocks.{i}.0.{norm}.bias", width, 148, bias=False)
    for name, shape in {
        "theta": (24, 192),
        "phi": (24, 192),
        "g": (96, 192),
        "o": (192, 96),
    }.items():
        normed(f"blocks.3.1.{name}", *shape, 1, 1, bias=False)
    wanted["blocks.3.1.gamma"] = ()
    moments("output_layer.0", 96)
    wanted |= {"output_layer.0.gain": (96,), "output_layer.0.bias": (96,)}
    normed("output_layer.2", 3, 96, 3, 3)
    assert found == wanted
    assert sum(tensor.numel() for tensor in net.generator.parameters()) == 70_433_988
    assert sum(tensor.numel() for tensor in net.discriminator.parameters()) == 87_982_370


def test_a_file_with_the_published_names_fits_by_the_key_map_of_the_docstring(
    tmp_path: Path,
) -> None:
    """The same names at a small width; our classes take the rows of their embeddings."""
    told = {**PUBLISHED, "ch": 2, "attention": 0, "discriminator": False, "snapshots": 0}
    of = spec("biggan", 128, 10, **told)
    theirs = settled(biggan.build(channels=3, classes=10, size=128, **told), seed=3).generator
    torch.save(theirs.state_dict(), tmp_path / "G_ema.pth")
    names = ("shared.", "linear.", "blocks.", "output_layer.")
    keys = {name: f"generator.{name}" for name in names}
    seen = Images(np.zeros((1, 3, 128, 128), np.uint8), np.zeros(1), np.zeros(1), ())
    model = own.bring(tmp_path / "G_ema.pth", of, seen, keys=keys)
    parts = {"features": Means()}
    made = biggan.freeze(model, parts, spec=of, dtype=torch.float32, device="cpu")
    z, y = normal(2, 120), torch.tensor([2, 9])
    theirs.rows = torch.arange(1000)  # classes of ImageNet
    wanted = (theirs(spread(z, 6), torch.tensor([482, 701])) + 1) / 2
    torch.testing.assert_close(made(z, y), wanted, atol=1e-5, rtol=1e-4)
    assert made.maker.shared.weight.shape == (10, 128)
    for judged in (made.discriminator, lambda: made.discriminate(uniform(1, 3, 128, 128), y[:1])):
        with pytest.raises(Refused, match="weights hold no discriminator"):
            judged()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "size", "classes", "said"),
    [
        (cgan, {}, 28, 3, "images of 16, 32, 64 pixels, not of 28"),
        (biggan, {}, 16, 3, "images of 32, 64, 128 pixels, not of 16"),
        (cgan, {}, 16, 1, "at least two classes, not 1"),
        (biggan, {}, 32, 1, "at least two classes, not 1"),
        (biggan, {"latent": 30}, 32, 3, "multiple of 4, such as 28, not 30"),
        (biggan, {"quantized": [4]}, 32, 3, "names block 4, but the discriminator's blocks are 0 "),
        (biggan, {"attention": 32}, 32, 3, "must be 0 or one of 8, 16 at 32 pixels"),
        (biggan, {"attention": 16, "ch": 1}, 32, 3, "needs 8 channels, not 4"),
        (biggan, {"rows": [0, 1]}, 32, 3, "an embedding for each of 3 classes, not 2"),
        (biggan, {"rows": [0, 1, 7]}, 32, 3, "names embedding 7, but there are 3"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(
    kind: Any, told: dict[str, Any], size: int, classes: int, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        kind.build(channels=3, classes=classes, size=size, **told)


def test_a_generator_without_weights_is_one_sentence() -> None:
    with pytest.raises(Refused, match="kind cgan has no weights; train it"):
        cgan.freeze(
            None,
            {"features": Means()},
            spec=spec("cgan", 16, **CGAN),
            dtype=torch.float32,
            device="cpu",
        )
