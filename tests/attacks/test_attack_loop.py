"""The one loop of attacks: snapshots, restarts, EOT and passes."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from by_hand import CENTRE, Function, Net, attacked, batch, gradient_of, spec
from norms import NORMS, generator
from robustgen.attacks import pgd, sweep
from robustgen.attacks.balls import ball
from robustgen.attacks.loop import input_gradient
from robustgen.attacks.losses import untargeted
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused

settings.load_profile("ci")  # no deadline, same examples in every run


def changed(cell: Spec, **options: Any) -> Spec:
    return replace(cell, options=cell.options | options)


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
