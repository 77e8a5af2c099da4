"""Spectral normalisation, hinge losses, and the projection, by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from made_gan import normal
from robustgen.gan import adversaries, hinge
from robustgen.gan.projection import Projection
from robustgen.gan.spectral import Conv, Embedding, Linear, Normed, folded
from robustgen.training.ema import Ema

LAYERS = [lambda: Conv(4, 6), lambda: Linear(5, 7), lambda: Embedding(6, 3)]
INPUTS = [normal(2, 4, 5, 5), normal(2, 5), torch.tensor([1, 4])]


@pytest.mark.parametrize("case", range(3))
def test_the_largest_singular_value_is_1_after_some_steps(case: int) -> None:
    layer = LAYERS[case]().train()
    with torch.no_grad():
        for _ in range(100):
            layer(INPUTS[case])
    matrix = layer.eval().normed().flatten(1)
    assert torch.linalg.svdvals(matrix)[0].item() == pytest.approx(1, abs=1e-3)
    assert layer.sv0.item() == pytest.approx(
        torch.linalg.svdvals(layer.weight.flatten(1))[0].item(), rel=1e-3
    )


def test_evaluation_moves_nothing_and_folding_changes_no_output() -> None:
    net = nn.Sequential(Conv(4, 6), Conv(6, 2, 1)).eval()
    before, x = copy.deepcopy(net.state_dict()), INPUTS[0]
    out = net(x)
    assert all(torch.equal(net.state_dict()[name], value) for name, value in before.items())
    torch.testing.assert_close(folded(copy.deepcopy(net))(x), out)
    assert all(layer.folded for layer in folded(net).modules() if isinstance(layer, Normed))


def test_the_gradient_is_that_of_w_over_u_w_v_with_u_and_v_held_fixed() -> None:
    layer = Linear(5, 7, bias=False)
    w = layer.weight.detach().clone().requires_grad_()
    for _ in range(200):  # until u and v are the singular vectors, and agree
        layer(INPUTS[1])
    u, v = layer.u0[0], functional.normalize(layer.weight.detach().T @ layer.u0[0], dim=0)
    layer.zero_grad()
    (layer(INPUTS[1]) ** 2).sum().backward()
    ((INPUTS[1] @ (w / (u @ w @ v)).T) ** 2).sum().backward()
    torch.testing.assert_close(layer.weight.grad, w.grad, rtol=1e-3, atol=1e-4)


def test_an_average_has_the_present_vectors_and_a_top_singular_value_of_1() -> None:
    """An averaged u0 would have a norm below 1, so that sigma came out too small."""
    layer = Linear(5, 7).train()
    ema = Ema(layer, decay=0.9)
    for step in range(50):
        with torch.no_grad():
            layer.weight.add_(0.02 * normal(7, 5, seed=step))
        layer(INPUTS[1])
        ema.update(layer)
    assert torch.equal(ema.average.u0, layer.u0)
    assert torch.linalg.svdvals(ema.average.normed())[0].item() == pytest.approx(1, abs=0.02)


def test_hinge_and_softplus_losses_by_hand() -> None:
    """real 2, -1 and fake 0.5, -3: (0 + 2) / 2 + (1.5 + 0) / 2 = 1.75; -(0.5 - 3) / 2 = 1.25."""
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    assert hinge.judging(real, fake).item() == 1.75
    assert hinge.deceiving(fake).item() == 1.25
    found = adversaries.judging(real, fake).item()
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    assert found == pytest.approx(-(d_real.log().mean() + (1 - d_fake).log().mean()).item())


@pytest.mark.parametrize(("size", "downs", "side"), [(16, 2, 4), (32, 2, 8), (64, 3, 8)])
def test_the_projection_is_psi_plus_the_inner_product_with_the_sum_over_space(
    size: int, downs: int, side: int
) -> None:
    net = Projection(channels=3, classes=4, width=6, downs=downs).eval().requires_grad_(False)
    x, y = normal(2, 3, size, size), torch.tensor([3, 1])
    h = net.blocks(x)
    assert h.shape == (2, 6, side, side)
    pooled = h.relu().sum(dim=(2, 3))
    psi, v = net.linear.normed(), net.embedding.normed()[y]
    by_hand = [float(psi[0] @ pooled[i] + v[i] @ pooled[i]) for i in range(2)]
    torch.testing.assert_close(net(x, y), torch.tensor(by_hand))


def test_a_block_is_the_papers_although_its_shortcut_pools_first() -> None:
    """pool(conv2(relu(conv1(relu x))) + conv_sc(x)), pooled last."""
    block = Projection(channels=3, classes=2, width=6, downs=2).blocks[1].eval()
    x = normal(2, 6, 8, 8)
    h = block.conv2(block.conv1(x.relu()).relu()) + block.shortcut(x)
    torch.testing.assert_close(block(x), functional.avg_pool2d(h, 2))
