"""Variational smoothing against closed forms of a linear classifier, finite differences and its own
bounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from linear import SHAPE, expected, linear, log_logistic, margin, weights
from robustgen.attacks import autoattack, pgd
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import Wrapped
from robustgen.smoothing.inference import Settings, full, simplified
from robustgen.smoothing.variational import Variational, passes

EPS, SIGMA = 0.1, 0.05
TOLD = Settings(eps=EPS, sigma=SIGMA, samples=20_000)
X = 0.3 + 0.4 * torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(1))  # far from 0, 1


def classifier(
    base: Wrapped, told: Settings = TOLD, *, classes: int = 2, **more: Any
) -> Variational:
    found = Variational(base, told, classes=classes, **more)
    found.reseed(torch.Generator().manual_seed(7))
    return found


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_scores_are_expected_log_likelihoods_at_the_favoured_point(norm: str, dual: int) -> None:
    """The point of the ball that favours a class of a linear classifier most moves the margin by
    d times the dual norm of w; one step of 1.25 d reaches it in L_inf from any start with a
    projection, and many steps do in L2. The score is then E log s(+-m) under the noise.
    """
    w = weights()
    told = replace(TOLD, norm=norm, steps=1 if norm == "linf" else 60, rel_step=2.0)
    z = classifier(linear(w), told)(X).double().numpy()
    reach = EPS * float(w.flatten().norm(p=dual))
    deviation = SIGMA * float(w.norm())
    towards_1 = expected(log_logistic, margin(w, X) + reach, deviation)
    towards_0 = expected(log_logistic, -(margin(w, X) - reach), deviation)
    np.testing.assert_allclose(z, np.stack([towards_0, towards_1], axis=1), atol=0.01)


def test_the_step_of_the_thesis_does_not_always_reach_the_corner_of_the_ball() -> None:
    """A step of 1.25 d from a start at -d ends at 0.25 d: the reason for 2 d in the test above."""
    w, start = weights().abs(), X - EPS
    noise = simplified(linear(w), X, torch.ones(3, dtype=int), start, TOLD, unrolled=False)
    torch.testing.assert_close(noise.points - X, torch.full_like(X, 0.25 * EPS))


def test_the_divergence_of_the_simplified_noise_is_that_of_two_normals() -> None:
    """KL(N(mu, s^2) | N(0, s^2)) = |mu|^2 / 2 s^2, which the option kl subtracts."""
    w = weights()
    plain, less = (
        classifier(linear(w), replace(TOLD, kl=kl, rel_step=2.0))(X) for kl in (False, True)
    )
    expected_ = X[0].numel() * EPS**2 / (2 * SIGMA**2)
    torch.testing.assert_close(plain - less, torch.full((3, 2), expected_), rtol=1e-4, atol=1e-3)


def test_the_full_method_gives_a_tight_bound_of_the_evidence() -> None:
    """For any noise the ELBO lies below log E s(m) under the prior, for the best one near it."""
    w = weights()
    told = replace(TOLD, method="full", steps=400, rel_step=0.05)
    elbo = classifier(linear(w), replace(told, kl=True))(X).double().numpy()
    deviation = SIGMA * float(w.norm())
    means = [expected(_logistic, sign * margin(w, X), deviation) for sign in (-1, 1)]
    evidence = np.log(np.stack(means, axis=1))
    assert (elbo < evidence + 0.002).all()
    np.testing.assert_allclose(elbo, evidence, atol=0.03)


def _logistic(m: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-m))


def test_the_full_method_differentiates_x_alone() -> None:
    x = X.clone().requires_grad_()
    start, y = X + 0.01, torch.ones(3, dtype=int)
    told = replace(TOLD, method="full", steps=3)
    noise = full(linear(weights()), x, y, start, told, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.autograd.grad(noise.points.sum(), x)[0], torch.ones_like(x))


def smooth_net() -> Wrapped:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))
    for weight in net.parameters():
        weight.data *= 3  # a curved one
    return Wrapped(net.double().requires_grad_(False))


COTANGENT = torch.tensor([[1.0, -2.0, 0.5]])


def slope(model: Variational, x: Tensor, along: Tensor) -> float:
    """The derivative of a weighted sum of scores along a direction, by central differences."""
    h, ends = 1e-3, []
    for sign in (1, -1):
        model.reseed(torch.Generator().manual_seed(7))
        ends.append(float((model(x + sign * h * along) * COTANGENT).sum()))
    return (ends[0] - ends[1]) / (2 * h)


def gradient(model: Variational, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    model.reseed(torch.Generator().manual_seed(7))
    return torch.autograd.grad((model(x) * COTANGENT).sum(), x)[0]


def test_the_unrolled_gradient_is_that_of_the_whole_inference() -> None:
    """By central differences with the same random numbers; in L2, whose steps are smooth; along the
    direction in which the detached gradient differs most from it.
    """
    x = X.double()
    told = Settings(eps=0.5, norm="l2", steps=2, rel_step=0.3, sigma=0.05, samples=3)
    model = classifier(smooth_net(), told, classes=3)
    unrolled, detached = gradient(model.view(gradient="unrolled"), x), gradient(model, x)
    along = (unrolled - detached) / (unrolled - detached).norm()
    true = slope(model, x, along)
    assert float((unrolled * along).sum()) == pytest.approx(true, rel=0.02, abs=1e-3)
    assert abs(float((detached * along).sum()) - true) > 0.1


def test_the_detached_gradient_takes_the_mean_of_the_noise_for_a_constant() -> None:
    """It is that of E log p(y | x + mu + e) with mu fixed: for a linear classifier
    E s(-m) w, by quadrature.
    """
    w, x = weights(), X.clone().requires_grad_()
    z = classifier(linear(w), replace(TOLD, rel_step=2.0))(x)
    found = torch.autograd.grad(z[:, 1].sum(), x)[0]
    reach, deviation = EPS * float(w.abs().sum()), SIGMA * float(w.norm())
    slope_ = expected(lambda m: _logistic(-m), margin(w, X) + reach, deviation)
    wanted = torch.from_numpy(slope_).reshape(-1, 1, 1, 1) * w
    torch.testing.assert_close(found.double(), wanted.double(), rtol=0.03, atol=1e-3)


def test_unrolled_sign_steps_have_a_gradient_and_the_same_scores() -> None:
    told = Settings(eps=0.1, steps=2, samples=3)
    model = classifier(smooth_net(), told, classes=3)
    unrolled = model.view(gradient="unrolled")
    assert not torch.allclose(gradient(unrolled, X.double()), gradient(model, X.double()))
    x = X.double().requires_grad_()
    model.reseed(torch.Generator().manual_seed(5))
    detached = model(x)
    unrolled.reseed(torch.Generator().manual_seed(5))
    torch.testing.assert_close(unrolled(x), detached)


def test_the_same_generator_gives_the_same_scores_and_another_one_others() -> None:
    model = classifier(smooth_net(), Settings(eps=0.1, samples=3), classes=3)
    found = []
    for seed in (1, 1, 2):
        model.reseed(torch.Generator().manual_seed(seed))
        found.append(model(X.double()))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("method", ["simplified", "full"])
def test_how_many_images_are_shown_at_a_time_changes_no_score(method: str) -> None:
    """Of the full method, whose steps draw as they go, it is the same in distribution alone."""
    told = Settings(eps=0.1, samples=4, steps=2, method=method)
    at_once = [
        classifier(smooth_net(), told, classes=3, at_once=n)(X.double()) for n in (1, 10, 999)
    ]
    for other in at_once[1:]:
        torch.testing.assert_close(
            at_once[0], other, rtol=0, atol=1e-9 if method == "simplified" else 1
        )


def test_hard_scores_are_shares_of_draws_without_a_gradient() -> None:
    told = Settings(eps=0.1, samples=5, hard=True)
    x = X.double().requires_grad_()
    z = classifier(smooth_net(), told, classes=3)(x)
    assert not z.requires_grad
    torch.testing.assert_close(z * 5, (z * 5).round())
    assert ((z >= 0) & (z <= 1)).all()


@pytest.mark.parametrize(("steps", "samples"), [(1, 5), (3, 2)])
def test_the_passes_that_are_told_are_those_that_are_counted(steps: int, samples: int) -> None:
    model = classifier(smooth_net(), Settings(eps=0.1, steps=steps, samples=samples), classes=3)
    with torch.no_grad():
        model(X.double())
    spent = model.passes.forwards + 2 * model.passes.backwards
    assert spent / len(X) == passes({"steps": steps, "samples": samples}, 3)
    assert (model.passes.forwards, model.passes.backwards) == (
        len(X) * 3 * (steps + samples),
        len(X) * 3 * steps,
    )


def test_it_optimises_where_no_gradient_is_asked_for_and_gives_none() -> None:
    model = classifier(smooth_net(), Settings(eps=0.1, samples=2), classes=3)
    with torch.no_grad():
        first = model(X.double())
    assert not first.requires_grad
    assert not model(X.double()).requires_grad


def test_attacks_take_it_as_it_is() -> None:
    """PGD and AutoAttack stay in the ball, and AutoAttack says what kind of defence it met."""
    model = classifier(smooth_net(), Settings(eps=0.1, samples=2), classes=3)
    x, y = X.double().float(), torch.tensor([0, 1, 2])
    single = Variational(
        Wrapped(lambda x: model.base(x.double()).float()), model.settings, classes=3
    )
    generator = torch.Generator().manual_seed(0)
    for module, told in (
        (pgd, {"rel_step": 0.25}),
        (autoattack, {"version": "custom", "attacks": ["apgd-ce"], "eot": 2}),
    ):
        spec = Spec(eps=0.05, steps=4, options=told)
        view = single.view(gradient="unrolled")
        found = module.attack(view, x, y, spec=spec, generator=generator)
        assert (found.images - x).abs().max() <= 0.05 + 1e-6
    assert "randomized defense" in str(found.warning)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sigma": 0}, "sigma must be a finite number"),
        ({"eps": float("nan")}, "eps must be a finite number"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"samples": 0}, "samples must be a whole number of at least 1"),
        ({"method": "best"}, "method"),
        ({"method": "full", "gradient": "unrolled"}, "can be unrolled through the steps of method"),
    ],
)
def test_settings_that_mean_nothing_are_one_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        Settings(**{"eps": 0.1, **wrong})


def test_a_view_names_the_settings_that_there_are() -> None:
    model = classifier(smooth_net(), Settings(eps=0.1), classes=3)
    with pytest.raises(Refused, match="no setting stepps; it has eps, norm, steps"):
        model.view(stepps=3)
