"""The start of inference: scores of candidates by one matrix product, the best of them, and the
encoder's own where it is better.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from made_abs import LATENT, SIDE, images, networks, normal
from robustgen.abs.candidates import RADIUS, Candidates, candidates, in_ball, radius
from robustgen.abs.inference import Inference, Settings
from robustgen.abs.losses import cost
from robustgen.abs.net import Autoencoders

CLASSES, COUNT = 3, 300  # more than are decoded at a time
START = Settings(steps=0)


def cached(net: Autoencoders, *, noisy: bool) -> Candidates:
    sizes = {"count": COUNT, "pixels": SIDE**2, "most": 1.0}
    return candidates(net, net.decoder, noisy=noisy, **sizes)


def draws() -> tuple[Tensor, Tensor]:
    """The means and the noise of all candidates, from the one seed that they have."""
    numbers = torch.Generator().manual_seed(0)
    return tuple(torch.randn(COUNT, LATENT, generator=numbers) for _ in range(2))


@pytest.mark.parametrize("adversarial", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("noisy", [True, False])
def test_the_best_candidate_is_that_of_the_direct_scores(
    adversarial: bool, shared: bool, noisy: bool
) -> None:
    """c(x, G_k(m + n)) + prior of N(m, 1), or c(x, G_k(m)) + prior of m, of each candidate, image
    and class, one by one.
    """
    net = networks(CLASSES, adversarial=adversarial, discriminative=shared, beta=2.0)
    x, (mean, n) = images(5), draws()
    z = (mean + n if noisy else mean)[:, None].expand(-1, CLASSES, -1)
    prior = net.prior(z, mean[:, None].expand_as(z), torch.zeros_like(z))
    made = net.decoder(z)
    direct = torch.stack([cost(one.expand(COUNT, -1, -1, -1), made) + prior for one in x])
    least, place = direct.min(dim=1)
    means, found = cached(net, noisy=noisy).best(x)
    torch.testing.assert_close(found, least, rtol=1e-5, atol=1e-3)
    assert torch.equal(means, mean[place])
    assert len(place.unique()) > 1


def infer(net: Autoencoders, known: Candidates, *, variational: bool = True) -> Inference:
    return Inference(net, net.decoder, known, variational=variational)


def test_the_encoder_s_latents_are_taken_where_they_explain_the_image_better() -> None:
    """Candidates that score far above all, and far below all, and each in turn for one class."""
    net, x = networks(CLASSES), images(4)
    mean, log_variance = net.encode(x)
    known = cached(net, noisy=True)
    for offset, own in ((1e6, True), (-1e6, False)):
        shifted = replace(known, offsets=known.offsets + offset)
        q = infer(net, shifted)(x, START, torch.Generator().manual_seed(0))
        best, _ = shifted.best(x)
        torch.testing.assert_close(q.mean, mean if own else best)
        torch.testing.assert_close(
            q.log_variance, log_variance if own else torch.zeros_like(log_variance)
        )
    one = replace(known, offsets=known.offsets + torch.tensor([[-1e6], [1e6], [1e6]]))
    q = infer(net, one)(x, START, torch.Generator().manual_seed(0))
    torch.testing.assert_close(q.mean[:, 1:], mean[:, 1:])
    torch.testing.assert_close(q.mean[:, 0], one.best(x)[0][:, 0])


def test_the_start_is_never_worse_than_the_best_candidate_and_the_encoder() -> None:
    """Of points, whose estimate has no noise: it is the smaller one of both."""
    net, x = networks(CLASSES), images(6)
    known = cached(net, noisy=False)
    search = infer(net, known, variational=False)
    q = search(x, START, torch.Generator())
    mean, _ = net.encode(x)
    own = cost(x, net.decoder(mean)) + net.prior(mean, mean, torch.zeros_like(mean))
    torch.testing.assert_close(
        search.estimate(x, q, q.mean), torch.minimum(own, known.best(x)[1]), rtol=1e-5, atol=1e-3
    )


def test_points_are_scored_where_the_search_starts() -> None:
    """Without a variance latents must lie in the ball, and are pulled onto it before they are
    decoded; with one they stay. Its radius is 5 times the root of M / 8, here of 40 / 8.
    """
    net = networks(CLASSES, latent=40)
    assert radius(40) == pytest.approx(5 * 5**0.5)
    assert in_ball(torch.full((1, 40), 9.0)).norm().item() == pytest.approx(radius(40))
    known, x = cached(net, noisy=False), images(6)
    assert known.means.norm(dim=1).max() <= radius(40) * 1.0001
    search = infer(net, known, variational=False)
    q = search(x, START, torch.Generator())
    assert (search.estimate(x, q, q.mean) <= known.best(x)[1] + 1e-3).all()


def test_candidates_are_the_same_in_every_job() -> None:
    net = networks(CLASSES)
    torch.rand(3)
    one, other = (cached(net, noisy=True) for _ in range(2))
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.offsets, other.offsets)


def test_latents_of_a_normal_prior_have_few_that_are_far() -> None:
    """Of 300 candidates in 3 dimensions all lie in the ball of radius 5, whose share outside is
    1.5e-5, so that the ball changes nothing of a small model.
    """
    assert torch.equal(cached(networks(CLASSES), noisy=False).means, draws()[0])
    assert normal(COUNT, LATENT).norm(dim=1).max() < RADIUS
