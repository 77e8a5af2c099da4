"""Attacks against closed forms: a linear classifier, losses, one loop, sweeps."""

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from norms import NORMS, generator
from robustgen.attacks import pgd, sweep, torchattacks
from robustgen.attacks.balls import ball
from robustgen.attacks.loop import ascend, input_gradient
from robustgen.attacks.losses import choose_target, targeted, untargeted
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.measures.energy import joint_energy
from robustgen.nets.classifier import Passes, as_classifier

settings.load_profile("ci")  # no deadline, same examples in every run

# --- a linear classifier
# -----------------------------------------------------------------------------------------

Function = Callable[[Tensor], Tensor]
W = torch.tensor([0.7, -0.2, 0.5, -1.1, 0.3, -0.6, 0.9, 0.4, -0.8]).reshape(1, 3, 3)
CENTRE = torch.full((1, 1, 3, 3), 0.5)


class Linear(nn.Module):
    """Two classes with logits (0, w x + b); f is the margin of class 1."""

    def __init__(self, margin_at_centre: float) -> None:
        super().__init__()
        self.b = margin_at_centre - float((W * 0.5).sum())

    def forward(self, x: Tensor) -> Tensor:
        f = (W * x).flatten(1).sum(dim=1) + self.b
        return torch.stack([torch.zeros_like(f), f], dim=1)


def spec(norm: str, eps: float, **others: Any) -> Spec:
    """20 steps from the image itself; what is no field of a Spec is an option."""
    fields = {"steps": others.pop("steps", 20), "norm": norm}
    return Spec(eps, **fields, options={"step": eps / 4, "random_start": False} | others)


def changed(cell: Spec, **options: Any) -> Spec:
    return replace(cell, options=cell.options | options)


def wrong(classifier: Function, x: Tensor, y: int | Tensor) -> list[bool]:
    """Which images the classifier gets wrong."""
    with torch.no_grad():
        return (classifier(x).argmax(dim=1) != y).tolist()


def attacked(
    classifier: Function, x: Tensor, y: int | Tensor, cell: Spec, seed: int = 0
) -> Attacked:
    labels = torch.full((len(x),), y) if isinstance(y, int) else y
    return pgd.attack(classifier, x, labels, spec=cell, generator=generator(seed))


@pytest.mark.parametrize("lambda_", [0.0, 1.0, 1.2])
@pytest.mark.parametrize("random_start", [False, True])
def test_pgd_l_inf_reaches_the_corner_of_a_linear_classifier(
    random_start: bool, lambda_: float
) -> None:
    x = torch.rand(6, 1, 3, 3, generator=generator(1))
    found = attacked(
        Linear(0.1), x, 1, spec("linf", 0.2, random_start=random_start, lambda_=lambda_)
    )
    torch.testing.assert_close(found.images, (x - 0.2 * W.sign()).clamp(0, 1), atol=1e-6, rtol=0)


def test_pgd_l_inf_climbs_the_other_way_for_the_other_label() -> None:
    found = attacked(Linear(0.1), CENTRE, 0, spec("linf", 0.2))
    torch.testing.assert_close(found.images, CENTRE + 0.2 * W.sign(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("random_start", [False, True])
def test_pgd_l2_reaches_the_nearest_point_of_a_linear_classifier(random_start: bool) -> None:
    cell = spec("l2", 0.3, step=1.5, steps=40, random_start=random_start)
    found = attacked(Linear(0.1), CENTRE, 1, cell)
    torch.testing.assert_close(found.images, CENTRE - 0.3 * W / W.norm(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("norm", "dual"), [("linf", W.abs().sum().item()), ("l2", W.norm().item())], ids=NORMS
)
def test_the_smallest_eps_that_flips_is_the_margin_over_the_dual_norm(
    norm: str, dual: float
) -> None:
    margin = 0.4
    for factor, flips in ((0.999, False), (1.001, True)):
        eps = factor * margin / dual
        net = Linear(margin)
        found = attacked(net, CENTRE, 1, spec(norm, eps))
        assert wrong(net, found.images, 1) == [flips]


@pytest.mark.parametrize(
    ("norm", "dual"), [("linf", W.abs().sum().item()), ("l2", W.norm().item())], ids=NORMS
)
def test_the_smallest_eps_that_flips_does_not_depend_on_how_sure_the_classifier_is(
    norm: str, dual: float
) -> None:
    """Logits 100 times as large have the same boundary; their cross entropy has a gradient of about
    1e-18.
    """
    net = Linear(0.4)

    def sure(x: Tensor) -> Tensor:
        z = net(x)
        return 100 * (z - z.mean(dim=1, keepdim=True))

    found = attacked(sure, CENTRE, 1, spec(norm, 1.001 * 0.4 / dual))
    assert wrong(sure, found.images, 1) == [True]


def test_torchattacks_pgd_reaches_the_same_corner() -> None:
    x, y = torch.rand(6, 1, 3, 3, generator=generator(1)), torch.ones(6, dtype=torch.int64)
    cell, classifier = spec("linf", 0.2, random_start=True, name="PGD"), as_classifier(Linear(0.1))
    found = torchattacks.attack(classifier, x, y, spec=cell, generator=generator())
    torch.testing.assert_close(found.images, (x - 0.2 * W.sign()).clamp(0, 1), atol=1e-6, rtol=0)
    assert classifier.passes == Passes(6 * 20, 6 * 20)


def test_apgd_as_published_leaves_misclassified_images_and_fixed_moves_them() -> None:
    x, y = CENTRE.repeat(2, 1, 1, 1), torch.tensor([1, 0])  # the second is misclassified
    found = {}
    for fixed in (False, True):
        cell = Spec(0.2, 20, options={"name": "APGD", "fixed": fixed})
        found[fixed] = torchattacks.attack(
            Linear(0.1), x, y, spec=cell, generator=generator()
        ).images
    assert torch.equal(found[False][1], x[1])
    torch.testing.assert_close(found[True][1:], CENTRE + 0.2 * W.sign(), atol=1e-3, rtol=0)


# --- losses ---------------------------------------------------------------------------------------
# ---------------


class Net(nn.Module):
    """A small curved classifier of K classes in double precision or single, with fixed weights."""

    def __init__(self, classes: int = 4, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        draw = generator(5)
        self.a = 2 * torch.randn(9, 12, generator=draw).to(dtype)
        self.b = torch.randn(12, classes, generator=draw).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh((x.flatten(1) - 0.5) @ self.a) @ self.b


def batch(n: int = 8, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return torch.rand(n, 1, 3, 3, generator=generator(2)).to(dtype), torch.arange(n) % 4


def gradient_of(function: Any, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


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


# --- one loop -------------------------------------------------------------------------------------
# ---------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    "others", [{}, {"restarts": 2}, {"target": "random"}, {"lambda_": 1.2}], ids=str
)
def test_snapshots_are_the_attacks_of_so_many_steps(norm: str, others: dict[str, Any]) -> None:
    x, y = batch()
    cell = spec(norm, 0.2, random_start=True, **others)
    found = pgd.snapshots(Net(), x, y, spec=cell, generator=generator(4), at=(0, 2, 5))
    assert sorted(found) == [0, 2, 5]
    for steps, one in found.items():
        alone = attacked(Net(), x, y, replace(cell, steps=steps), seed=4)
        assert torch.equal(one.images, alone.images)
        assert (one.forwards, one.backwards) == (alone.forwards, alone.backwards)


def test_no_steps_and_no_random_start_give_the_image_itself() -> None:
    x, y = batch()
    assert torch.equal(attacked(Net(), x, y, spec("linf", 0.2, steps=0)).images, x)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(NORMS), st.sampled_from([0.0, 1.2]))
def test_restarts_never_lower_the_loss_of_any_image(seed: int, norm: str, lambda_: float) -> None:
    x, y = batch(16)
    cell = spec(norm, 0.3, steps=3, random_start=True, lambda_=lambda_)
    loss = untargeted(y, lambda_=lambda_)
    losses = [
        loss(Net()(attacked(Net(), x, y, changed(cell, restarts=n), seed).images))
        for n in (1, 2, 4)
    ]
    assert (losses[1] >= losses[0] - 1e-6).all()
    assert (losses[2] >= losses[1] - 1e-6).all()


def test_restarts_keep_the_best_of_the_single_runs() -> None:
    x, y = batch(16)
    cell = spec("linf", 0.3, steps=3, random_start=True)
    shared = generator(6)
    runs = [pgd.attack(Net(), x, y, spec=cell, generator=shared).images for _ in range(3)]
    losses = torch.stack([untargeted(y)(Net()(images)) for images in runs])
    expected = torch.stack(runs)[losses.argmax(dim=0), range(16)]
    assert len(set(losses.argmax(dim=0).tolist())) > 1
    assert torch.equal(attacked(Net(), x, y, changed(cell, restarts=3), seed=6).images, expected)


def test_restarts_on_a_randomised_classifier_are_compared_by_losses_averaged_over_eot() -> None:
    """Runs of 0 steps are starts; the classifier's noise is drawn here once more."""
    x, y = batch(16)
    starts, draw, eot = generator(6), generator(7), 5

    def noisy(x: Tensor) -> Tensor:
        return Net()(x + 0.3 * torch.randn(x.shape, generator=draw))

    cell = spec("linf", 0.3, steps=0, random_start=True, restarts=2, eot=eot)
    found = attacked(noisy, x, y, cell, seed=6).images
    runs = [ball("linf", 0.3).start(x, starts) for _ in range(2)]
    draw.manual_seed(7)
    losses = torch.stack(
        [torch.stack([untargeted(y)(noisy(one)) for _ in range(eot)]).mean(dim=0) for one in runs]
    )
    assert torch.equal(found, torch.stack(runs)[losses.argmax(dim=0), range(16)])


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_eot_gradient_is_the_mean_of_the_gradients_of_so_many_draws(k: int) -> None:
    x, y = batch(dtype=torch.float64)
    net = Net(dtype=torch.float64)

    def noisy(draw: torch.Generator) -> Function:
        return lambda x: net(x + 0.3 * torch.randn(x.shape, generator=draw, dtype=x.dtype))

    shared = noisy(generator(7))
    alone = [gradient_of(lambda x: untargeted(y)(shared(x)), x) for _ in range(k)]
    ours = input_gradient(noisy(generator(7)), untargeted(y), eot=k)(x)
    torch.testing.assert_close(ours, torch.stack(alone).mean(dim=0), atol=1e-12, rtol=1e-9)


class Counted(nn.Module):
    """A classifier that counts the images that pass forwards and the gradients that come back."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.forwards, self.backwards = Net(), 0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.forwards += len(x)
        z = self.net(x)
        if z.requires_grad:
            z.register_hook(self.back)
        return z

    def back(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("eot", [1, 4])
@pytest.mark.parametrize("target", ["none", "random", "least_likely"])
@pytest.mark.parametrize("steps", [0, 5])
def test_stated_passes_are_those_that_the_classifier_counts(
    steps: int, target: str, eot: int, restarts: int
) -> None:
    x, y = batch()
    counted = Counted()
    cell = spec(
        "linf", 0.1, steps=steps, target=target, eot=eot, restarts=restarts, random_start=True
    )
    found = attacked(counted, x, y, cell)
    assert (found.forwards, found.backwards) == (counted.forwards / 8, counted.backwards / 8)


@pytest.mark.parametrize("name", ["PGD", "APGD"])
def test_stated_passes_of_the_library_are_those_that_the_classifier_counts(name: str) -> None:
    x, y = batch()
    counted = Counted()
    given = sweep.Sweep("torchattacks", {"eps": (0.1,), "steps": (4,)}, options={"name": name})
    (found,) = sweep.run(counted, x, y, sweep=given, seed=0)
    assert (found.forwards, found.backwards) == (counted.forwards / 8, counted.backwards / 8)


def test_images_that_are_normalised_already_are_refused() -> None:
    with pytest.raises(Refused, match=r"must lie in \[0,1\]"):
        attacked(Net(), 3 * CENTRE, 0, spec("linf", 0.1))


def test_the_classifier_is_left_without_gradients() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 4))
    attacked(net, *batch(), spec("linf", 0.1))
    assert [parameter.grad for parameter in net.parameters()] == [None, None]
