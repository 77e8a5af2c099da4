"""Networks of several groups against as many separate ones of torch's own layers with the same
weights; decoders with folded norms against those they come from.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from made_abs import LATENT, SIDE, networks, normal, random
from robustgen.abs.frozen import Folded
from robustgen.abs.grouped import Decoder, Discriminator, Encoder
from robustgen.abs.shapes import Shape, shape

GROUPS, COUNT = 3, 4
OF = shape("mnist", channels=1, size=SIDE, width=0.25, latent=LATENT)


class PlainEncoder(nn.Module):
    """One encoder, by torch's layers."""

    def __init__(self, of: Shape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 1
        for layer in of.encoder:
            told = (layer.kernel, layer.stride, layer.padding)
            layers += [nn.Conv2d(inside, layer.channels, *told, bias=False)]
            layers += [nn.BatchNorm2d(layer.channels), nn.LeakyReLU(0.2)]
            inside = layer.channels
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.mean = nn.Linear(inside * 9, of.latent)
        self.log_variance = nn.Linear(inside * 9, of.latent)

    def forward(self, x: Tensor) -> Tensor:
        h = self.trunk(x)
        return torch.stack([self.mean(h), self.log_variance(h)])


class PlainDecoder(nn.Module):
    """One decoder, by torch's layers."""

    def __init__(self, of: Shape) -> None:
        super().__init__()
        self.enter = nn.Linear(of.latent, of.decoder[0].channels)
        sizes = [of.decoder[0].channels, *(layer.channels for layer in of.decoder)]
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(inside, layer.channels, layer.kernel, layer.stride, bias=last)
            for inside, layer, last in zip(sizes, of.decoder, [False] * 4 + [True], strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(size) for size in sizes[1:-1])

    def forward(self, z: Tensor) -> Tensor:
        h = self.enter(z)[:, :, None, None]
        for conv, norm in zip(self.convs[:-1], self.norms, strict=True):
            h = torch.relu(norm(conv(h)))
        return torch.sigmoid(self.convs[-1](h))


def plain_discriminator(of: Shape) -> nn.Module:
    one, two = of.discriminator
    return nn.Sequential(
        nn.Linear(of.latent, one),
        nn.LeakyReLU(0.2),
        nn.Linear(one, two),
        nn.LeakyReLU(0.2),
        nn.Linear(two, 1),
        nn.Flatten(0),
    )


CASES = {
    "encoder": (
        lambda: Encoder(OF, GROUPS, channels=1, dropout=0.0),
        lambda: PlainEncoder(OF),
        lambda: random(COUNT, GROUPS, 1, 28, 28),
    ),
    "decoder": (
        lambda: Decoder(OF, GROUPS, dropout=0.0),
        lambda: PlainDecoder(OF),
        lambda: normal(COUNT, GROUPS, LATENT),
    ),
    "discriminator": (
        lambda: Discriminator(OF, GROUPS),
        lambda: plain_discriminator(OF),
        lambda: normal(COUNT, GROUPS, LATENT),
    ),
}


def output(network: nn.Module, x: Tensor) -> Tensor:
    found = network(x)
    return torch.stack(found) if isinstance(found, tuple) else found


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_a_grouped_network_is_a_loop_over_separate_ones(case: str, training: bool) -> None:
    """Group g has the g-th part of every tensor. Outputs, gradients of the inputs and of all
    parameters, and the norms' running statistics are those of the loop; the loss is a weighted sum
    of all outputs, so that no gradient cancels.
    """
    torch.manual_seed(0)
    grouped_of, plain_of, inputs = CASES[case]
    grouped = grouped_of().train(training)
    plains = [plain_of().train(training) for _ in range(GROUPS)]
    for g, plain in enumerate(plains):
        copied(grouped, plain, g)
    x = inputs().requires_grad_()
    found = output(grouped, x)
    loop = torch.stack([output(plain, x[:, g]) for g, plain in enumerate(plains)])
    # the group comes behind the image, which of an encoder's two outputs is the second dimension
    loop = loop.movedim(0, 2 if case == "encoder" else 1)
    torch.testing.assert_close(found, loop)
    weights = normal(*found.shape, seed=5)
    parameters = list(grouped.parameters())
    ours = torch.autograd.grad((found * weights).sum(), [x, *parameters])
    theirs = torch.autograd.grad(
        (loop * weights).sum(), [x, *(one for plain in plains for one in plain.parameters())]
    )
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-5)
    for place, own in enumerate(ours[1:]):
        for g, part in enumerate(own.chunk(GROUPS)):
            other = theirs[1 + g * len(parameters) + place]
            torch.testing.assert_close(part.reshape(other.shape), other, rtol=1e-3, atol=1e-4)
    for own, *others in zip(grouped.buffers(), *(p.buffers() for p in plains), strict=True):
        for part, other in zip(own.chunk(GROUPS) if own.ndim else [own], others, strict=False):
            torch.testing.assert_close(part, other)


def copied(grouped: nn.Module, plain: nn.Module, g: int) -> None:
    """Give the plain network the weights of group g."""
    for one, all_ in zip(plain.parameters(), grouped.parameters(), strict=True):
        one.data = all_.data.chunk(GROUPS)[g].reshape(one.shape).clone()


def test_dropout_lies_behind_convolutions_of_encoders_and_the_linear_layer_of_decoders() -> None:
    """With dropout all but 1, what is left of an encoder is its biases; a decoder gives the same
    image for all latents.
    """
    encoder = Encoder(OF, 2, channels=1, dropout=1 - 1e-9)
    mean, log_variance = encoder(random(5, 2, 1, 28, 28))
    torch.testing.assert_close(mean, encoder.mean.bias.expand(5, -1, -1))
    torch.testing.assert_close(log_variance, encoder.log_variance.bias.expand(5, -1, -1))
    decoder = Decoder(OF, 2, dropout=1 - 1e-9)
    image = decoder(normal(5, 2, LATENT))
    torch.testing.assert_close(image, image[:1].expand_as(image))


@pytest.mark.parametrize(("name", "channels", "size"), [("mnist", 1, 28), ("svhn", 3, 32)])
def test_a_folded_decoder_is_the_same_function(name: str, channels: int, size: int) -> None:
    """In fp32 to 1e-5; in bf16, of 8 bits, to 1 % of the range of images on average."""
    net = networks(channels=channels, size=size, shape=name, width=0.5).decoder
    z = normal(6, 3, LATENT)
    wanted = net(z)
    assert wanted.std(dim=0).mean() > 0.05  # images differ
    found = Folded(net, torch.float32)(z)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    rough = Folded(net, torch.bfloat16)(z)
    assert rough.dtype == torch.float32
    assert (rough - wanted).abs().mean() < 0.01
    assert (rough - wanted).abs().max() < 0.1


def test_a_folded_decoder_has_gradients_of_latents_and_none_of_weights() -> None:
    net = networks()
    z = normal(2, 3, LATENT).requires_grad_()
    folded = Folded(net.decoder, torch.float32)
    assert not any(one.requires_grad for one in folded.parameters())
    both: list[Callable[[Tensor], Tensor]] = [folded, net.decoder]
    ours, theirs = (torch.autograd.grad((one(z) ** 2).sum(), z)[0] for one in both)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
