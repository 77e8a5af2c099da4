"""The terms of the objectives against values worked out by hand."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import cross_entropy

from made_abs import LATENT, images, networks, normal
from robustgen.abs import losses
from robustgen.abs.net import Autoencoders, sampled


def test_the_cost_is_the_squared_error_summed_over_pixels() -> None:
    """Of x = (1, 2) and G = (0, 0), (1, 4): 1 + 4 and 0 + 4; with an image for each class, (1, 2)
    and (3, 4): 5 and 4 + 0.
    """
    x = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2)
    made = torch.tensor([[0.0, 0.0], [1.0, 4.0]]).reshape(1, 2, 1, 1, 2)
    assert losses.cost(x, made).tolist() == [[5.0, 4.0]]
    each = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 1, 1, 2)
    assert losses.cost(each, made).tolist() == [[5.0, 4.0]]
    assert losses.cost(each, made.bfloat16()).dtype == torch.float32


def test_the_divergence_is_that_of_normals() -> None:
    """(mu^2 + s^2 - 1 - log s^2) / 2 of mu = 1, s^2 = e: (1 + e - 2) / 2; by torch's own too."""
    one = losses.divergence(torch.ones(1, 1, 1), torch.ones(1, 1, 1))
    assert one.item() == pytest.approx((exp(1) - 1) / 2)
    mean, log_variance = normal(4, 3, LATENT), normal(4, 3, LATENT, seed=1)
    theirs = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(dim=2)
    torch.testing.assert_close(losses.divergence(mean, log_variance), theirs)
    assert (losses.divergence(torch.zeros(1, 1, 5), torch.zeros(1, 1, 5)) == 0).all()


def test_disbelief_and_deception_of_logits() -> None:
    """Of the logit log 3, D = 3/4: -log D = log(4/3). With prior at 3/4 and latents at 1/2 and 3/4:
    log(4/3) + (log 2 + log 4) / 2; it is finite for a logit that makes D round to 0.
    """
    three, even = torch.full((2, 1), log(3)), torch.zeros(2, 1)
    assert losses.disbelief(three).tolist() == [[pytest.approx(log(4 / 3))]] * 2
    found = losses.deception(three, even, three).item()
    assert found == pytest.approx(log(4 / 3) + (log(2) + log(4)) / 2)
    assert losses.disbelief(torch.tensor(-200.0)).item() == 200


def test_discrimination_is_the_cross_entropy_of_the_costs() -> None:
    """Costs 0 and log 3 of labels 0 and 1: exp(-c) = 1, 1/3, p = 3/4, 1/4, so that the mean is
    (log(4/3) + log 4) / 2.
    """
    costs = torch.tensor([[0.0, log(3)]] * 2)
    found = losses.discrimination(costs, torch.tensor([0, 1]))
    assert found.item() == pytest.approx((log(4 / 3) + log(4)) / 2)


def cross(net: Autoencoders) -> tuple[torch.Tensor, torch.Tensor]:
    """Eq. 2.4's first line, with the prior, and its last line, without it."""
    x, y = images(6), torch.arange(6) % 3
    mean, log_variance = net.encode(x)
    z = sampled(mean, log_variance, torch.Generator().manual_seed(1))
    costs = losses.cost(x, net.decoder(z))
    estimates = costs + net.prior(z, mean, log_variance)
    return cross_entropy(-estimates, y), losses.discrimination(costs, y)


@pytest.mark.parametrize("adversarial", [True, False])
def test_the_prior_cancels_for_a_shared_encoder_and_for_no_other(adversarial: bool) -> None:
    """Eq. 2.4: all classes share the latents, so that D(z), or the divergence, is one number per
    image, which a softmax does not see.
    """
    told = {"adversarial": adversarial, "beta": 30.0}
    both, alone = cross(networks(discriminative=True, **told))
    torch.testing.assert_close(both, alone)
    both, alone = cross(networks(discriminative=False, **told))
    assert abs(both - alone) > 0.01


def test_draws_of_latents_are_the_same_for_all_classes() -> None:
    mean, log_variance = torch.zeros(2, 3, LATENT), torch.full((2, 3, LATENT), log(4))
    z = sampled(mean, log_variance, torch.Generator().manual_seed(1))
    n = torch.randn(2, 1, LATENT, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(z, 2 * n.expand(-1, 3, -1))
