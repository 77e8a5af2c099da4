"""Losses of attacks: their gradients, and targets."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from by_hand import Net, attacked, batch, gradient_of, spec, wrong
from norms import NORMS, generator
from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend, input_gradient
from robustgen.attacks.losses import choose_target, targeted, untargeted
from robustgen.measures.energy import joint_energy

settings.load_profile("ci")  # no deadline, same examples in every run


def test_the_gradient_of_high_energy_pgd_at_lambda_1_is_that_of_descending_the_label_logit() -> (
    None
):
    x, y = batch(dtype=torch.float64)
    net = Net(dtype=torch.float64)
    ours = input_gradient(net, untargeted(y, lambda_=1.0))(x)
    torch.testing.assert_close(
        ours, gradient_of(lambda x: joint_energy(net(x), y), x), atol=1e-12, rtol=1e-9
    )


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.2])
def test_the_loss_is_minus_z_y_plus_one_minus_lambda_of_the_logsumexp(lambda_: float) -> None:
    x, y = batch(dtype=torch.float64)
    z = Net(dtype=torch.float64)(x)
    expected = -z.gather(1, y[:, None])[:, 0] + (1 - lambda_) * z.logsumexp(dim=1)
    torch.testing.assert_close(untargeted(y, lambda_=lambda_)(z), expected)
    torch.testing.assert_close(
        targeted(y, lambda_=lambda_)(z), z[range(8), y] - (1 + lambda_) * z.logsumexp(1)
    )


@pytest.mark.parametrize("lead", [20.0, 300.0])
def test_the_margin_has_a_gradient_where_cross_entropy_has_none_left(lead: float) -> None:
    """z = (lead, 0, 0): m = log(e^0 + e^0) - lead, with gradient (-1, 1/2, 1/2) whatever the lead;
    CE = log(1 + e^m) has e^m / (1 + e^m) times that, which fp32 rounds to 0 below e^-103.
    """
    z = torch.tensor([[lead, 0.0, 0.0]], requires_grad=True)
    y = torch.tensor([0])
    m = untargeted(y, of="margin")(z)
    assert m.item() == pytest.approx(log(2) - lead)
    (gradient,) = torch.autograd.grad(m.sum(), z)
    assert torch.equal(gradient, torch.tensor([[-1.0, 0.5, 0.5]]))
    (of_ce,) = torch.autograd.grad(untargeted(y)(z).sum(), z)
    assert bool(of_ce.any()) == (lead < 100)


def test_the_trajectory_at_lambda_1_is_that_of_the_label_logit() -> None:
    x, y = batch()
    net, region = Net(), ball("linf", 0.2)
    cell = spec("linf", 0.2, step=0.03, steps=7, lambda_=1.0)
    steps = ascend(
        x,
        gradient=lambda x: gradient_of(lambda x: joint_energy(net(x), y), x),
        move=lambda x, gradient: x + 0.03 * gradient.sign(),
        project=lambda point: region.project(point, x),
        steps=7,
    )
    torch.testing.assert_close(attacked(net, x, y, cell).images, list(steps)[-1], atol=1e-6, rtol=0)


def test_the_ascent_yields_every_point_of_the_trajectory() -> None:
    points = ascend(
        torch.tensor(1.0),
        gradient=lambda x: 2 * x,
        move=lambda x, g: x + g,
        project=lambda x: x.clamp(max=20),
        steps=4,
    )
    assert [float(point) for point in points] == [1, 3, 9, 20, 20]


@given(st.integers(2, 6), st.integers(0, 99), st.sampled_from(["random", "least_likely"]))
def test_a_chosen_target_is_a_class_and_never_the_label(classes: int, seed: int, how: str) -> None:
    z = torch.randn(20, classes, generator=generator(seed))
    y = torch.randint(0, classes, (20,), generator=generator(seed + 1))
    t = choose_target(z, y, how, generator(seed))
    assert (t != y).all()
    assert ((t >= 0) & (t < classes)).all()


def test_the_least_likely_target_has_the_smallest_logit_of_the_other_classes() -> None:
    z = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert choose_target(z, torch.tensor([0, 1]), "least_likely", generator()).tolist() == [1, 2]


def test_random_targets_are_uniform_over_the_other_classes() -> None:
    y = torch.full((6000,), 2)
    counts = choose_target(torch.zeros(6000, 4), y, "random", generator()).bincount(minlength=4)
    assert counts[2] == 0
    assert (counts[[0, 1, 3]] - 2000).abs().max() < 150  # four standard deviations


@pytest.mark.parametrize("target", ["random", "least_likely"])
@pytest.mark.parametrize("norm", NORMS)
def test_a_targeted_attack_on_a_linear_classifier_reaches_its_target(
    norm: str, target: str
) -> None:
    weights = torch.eye(3, 9)
    x, y = torch.rand(12, 1, 3, 3, generator=generator(3)), torch.arange(12) % 3

    def three(x: Tensor) -> Tensor:
        return x.flatten(1) @ weights.T

    cell = spec(norm, {"linf": 0.6, "l2": 1.5}[norm], random_start=True, target=target)
    found = attacked(three, x, y, cell, seed=9)
    goals = choose_target(three(x), y, target, generator(9))
    assert all(wrong(three, found.images, y))
    assert three(found.images).argmax(dim=1).tolist() == goals.tolist()
