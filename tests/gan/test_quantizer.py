"""The quantiser against a step of k-means in numpy, and its codes from the first to dead ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_gan import normal
from robustgen.gan.quantizer import Quantizer


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def started(codes: torch.Tensor, decay: float = 0.0) -> Quantizer:
    found = Quantizer(len(codes), codes.shape[1], decay=decay).train()
    found._start(codes)
    return found


def test_a_step_is_that_of_k_means() -> None:
    """With decay 0, codes become the means of the features nearest to them; the loss is the mean
    square to the codes before that, the perplexity exp(-sum p log p) of the shares p.
    """
    h, codes = normal(3, 2, 4, 5), normal(4, 2, seed=1)
    net = started(codes)
    told = net(h, source())
    x = h.permute(0, 2, 3, 1).reshape(-1, 2).numpy().astype(np.float64)
    nearest = ((x[:, None] - codes.numpy()) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=4)
    assert (counts > 0).all()  # none is dead
    means = np.stack([x[nearest == k].mean(axis=0) for k in range(4)])
    np.testing.assert_allclose(net.codes.numpy(), means, rtol=1e-4)
    loss = ((codes.numpy()[nearest] - x) ** 2).reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(told.commitment.numpy(), loss, rtol=1e-5)
    p = counts / counts.sum()
    assert told.perplexity.item() == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-5)
    taken = told.codes.permute(0, 2, 3, 1).reshape(-1, 2)
    torch.testing.assert_close(taken, codes[torch.from_numpy(nearest)])


def test_counts_and_sums_are_moving_averages() -> None:
    """N = d N + (1-d) n and m = d m + (1-d) sum x, begun at N = 1, m = code."""
    codes = torch.tensor([[0.0], [10.0]])
    net = started(codes, decay=0.8)
    net(torch.tensor([1.0, 2.0, 9.0, 12.0]).reshape(2, 1, 1, 2), source())
    torch.testing.assert_close(net.counts, torch.tensor([1.2, 1.2]))
    torch.testing.assert_close(net.sums[:, 0], torch.tensor([0.6, 8 + 0.2 * 21]))
    torch.testing.assert_close(net.codes[:, 0], torch.tensor([0.5, 12.2 / 1.2]), rtol=1e-4, atol=0)


def test_the_gradient_draws_features_to_their_codes() -> None:
    """d/dh mean (q - h)^2 = 2 (h - q) / (c h w), with nothing through q."""
    net, h = started(torch.tensor([[1.0, -1.0]])), normal(2, 2, 3, 3).requires_grad_()
    net(h).commitment.sum().backward()
    q = torch.tensor([1.0, -1.0])[:, None, None]
    torch.testing.assert_close(h.grad, 2 * (h.detach() - q) / 18)


def test_the_first_batch_puts_the_codes_on_its_features() -> None:
    net, h = Quantizer(5, 2, decay=0.9).train(), normal(3, 2, 4, 4)
    told = net(h, source())
    rows = {tuple(row) for row in h.permute(0, 2, 3, 1).reshape(-1, 2).tolist()}
    again = Quantizer(5, 2, decay=0.9).train()
    again._start(again._rows(h.permute(0, 2, 3, 1).reshape(-1, 2), source()))
    first = {tuple(row) for row in again.codes.tolist()}
    assert len(first) == 5
    assert first <= rows
    assert told.perplexity > 1


def test_a_dead_code_begins_anew_on_a_feature_of_the_batch() -> None:
    """The far code has been taken by none until its count, 1/2^s after s steps, is below 1/100."""
    net = started(torch.tensor([[0.0], [1e4]]), decay=0.5)
    for step in range(6):
        net(normal(1, 1, 2, 2, seed=step), source(step))
    assert net.codes[1].item() > 9000
    h = normal(1, 1, 2, 2, seed=6)
    net(h, source(6))
    assert net.counts[1].item() == 1
    assert (h - net.codes[1]).abs().min() < 1e-3


def test_without_a_source_or_in_evaluation_nothing_is_learnt() -> None:
    net = started(torch.tensor([[0.0], [1.0]]))
    before = net.codes.clone()
    net(normal(1, 1, 2, 2))
    net.eval()(normal(1, 1, 2, 2), source())
    assert torch.equal(net.codes, before)
