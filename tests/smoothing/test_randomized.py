"""Randomized smoothing and its certificates against a linear classifier, whose radius is known, and
against statsmodels.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from linear import SHAPE, expected, linear, log_logistic, margin, weights
from robustgen.core.refusal import Refused
from robustgen.smoothing import certificate
from robustgen.smoothing.randomized import Randomized, passes

SIGMA, N = 0.25, 20_000
X = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(4))


@pytest.fixture(scope="module")
def smoothed() -> Randomized:
    found = Randomized(linear(weights()), classes=2, sigma=SIGMA, samples=N, select=200, votes=N)
    found.reseed(torch.Generator().manual_seed(0))
    return found


def test_scores_are_the_log_of_the_mean_softmax(smoothed: Randomized) -> None:
    """Class 1 of a linear classifier: log E s(m), by quadrature."""
    w = weights()
    mean = expected(lambda m: np.exp(log_logistic(m)), margin(w, X), SIGMA * float(w.norm()))
    np.testing.assert_allclose(smoothed(X)[:, 1].exp().numpy(), mean, atol=0.01)


def test_the_certified_radius_of_a_linear_classifier(smoothed: Randomized) -> None:
    """Its smoothed decision is its own, so that the true radius is |m(x)| / |w|: never above, and
    close to it with many votes; the certified class is that of the sign of m.
    """
    w, seen = weights(), smoothed.look(X)
    measured = certificate.measure(
        smoothed, None, options={"alpha": 0.001}, generator=torch.Generator()
    )(seen, seen)
    true = np.abs(margin(w, X)) / float(w.norm())
    far = true > 0.05
    assert far.sum() >= 6
    assert (measured["radius"] <= true + 1e-9).all()
    within_reach = far & (true < 2 * SIGMA)
    np.testing.assert_allclose(measured["radius"][within_reach], true[within_reach], atol=0.06)
    np.testing.assert_array_equal(measured["selected"][far], (margin(w, X) > 0)[far])
    np.testing.assert_array_equal(measured["predicted"][far], (margin(w, X) > 0)[far])
    assert (measured["votes"] == N).all()


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    hits, n = np.array([0, 40, 51, 90, 100]), np.full(5, 100)
    found = certificate.radius(hits, n, sigma=2.0, alpha=0.01)
    low = [proportion_confint(k, 100, alpha=0.02, method="beta")[0] for k in hits]
    wanted = [2.0 * norm.ppf(p) if p > 0.5 else 0 for p in low]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_it_abstains_where_two_classes_cannot_be_told_apart() -> None:
    """12 of 20 votes have a two-sided p-value of 0.50, 19 of 20 one of 4e-5."""
    votes = np.array([[12.0, 8, 0], [1, 19, 0], [0, 0, 20]])
    found = certificate.predicted(votes, alpha=0.001)
    np.testing.assert_array_equal(found, [certificate.ABSTAINS, 1, 2])


def test_certificates_are_right_as_often_as_they_say() -> None:
    """At alpha = 0.2 no more than a fifth of certified radii, plus chance, lie above the true one,
    over 300 samples of votes for one point.
    """
    p, sigma, n = 0.8, 1.0, 200
    hits = np.random.default_rng(0).binomial(n, p, size=300)
    found = certificate.radius(hits, np.full(300, n), sigma=sigma, alpha=0.2)
    assert (found > sigma * norm.ppf(p)).mean() < 0.2 + 3 * np.sqrt(0.2 * 0.8 / 300)


def test_votes_do_not_depend_on_how_many_images_are_shown_at_a_time() -> None:
    found = []
    for at_once in (24, 10_000):
        model = Randomized(linear(weights()), classes=2, select=50, votes=70, at_once=at_once)
        model.reseed(torch.Generator().manual_seed(0))
        seen = model.look(X)
        assert (seen["votes"].sum(dim=1) == 70).all()
        assert (seen["selection"].sum(dim=1) == 50).all()
        found.append(seen["votes"] / 70)
    assert (found[0] - found[1]).abs().max() < 0.4  # other draws, the same law


def test_hard_scores_are_shares_of_votes_and_views_change_the_draws() -> None:
    model = Randomized(linear(weights()), classes=2, samples=8, hard=True)
    z = model(X)
    torch.testing.assert_close(z.sum(dim=1), torch.ones(len(X)))
    few = model.view(samples=3)
    before = few.passes.forwards
    few(X)
    assert few.passes.forwards - before == 3 * len(X)
    assert passes({"samples": 3}, 2) == 3


@pytest.mark.parametrize("wrong", [{"sigma": 0}, {"samples": 0}, {"votes": 0}, {"select": -1}])
def test_settings_that_mean_nothing_are_one_sentence(wrong: dict[str, float]) -> None:
    with pytest.raises(Refused, match=next(iter(wrong))):
        Randomized(linear(weights()), classes=2, **wrong)
