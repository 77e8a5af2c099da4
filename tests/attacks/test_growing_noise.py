"""Noise of growing deviation: the ball, the first wrong level, and who leaves the batch."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from norms import NORMS, generator, size
from prototypes import Noisy, Prototypes, near, prototypes
from robustgen.attacks import growing_noise, sweep
from robustgen.attacks.types import Spec
from robustgen.nets.classifier import Classifier

settings.load_profile("ci")  # no deadline, same examples in every run


def attacked(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    *,
    norm: str,
    eps: float,
    steps: int = 10,
    seed: int = 0,
    **options: Any,
) -> Tensor:
    spec = Spec(eps, steps, norm, options)
    return growing_noise.attack(model, x, y, spec=spec, generator=generator(seed)).images


class Steadfast(Prototypes):
    """A classifier that says class 0 whatever it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return self.counted(x).new_tensor([1.0, 0.0]).expand(len(x), 2)


@given(st.integers(0, 10**6), st.sampled_from(NORMS), st.floats(0.01, 0.9), st.floats(0.1, 4))
def test_every_image_lies_in_its_ball(seed: int, norm: str, eps: float, reach: float) -> None:
    model = Prototypes(prototypes(3, seed=seed))
    x, y = near(model.p, 6, seed=seed)
    found = attacked(model, x, y, norm=norm, eps=eps, seed=seed, reach=reach)
    assert (size(found - x, norm) <= eps * (1 + 1e-5) + 1e-6).all()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("norm", NORMS)
def test_images_that_stay_right_get_the_noise_of_the_whole_budget(norm: str) -> None:
    """In the middle of the cube l2 noise has a norm of about eps, and linf noise fills a share
    P(|n| >= 1) = 0.3173 of the values with eps.
    """
    x = torch.full((8, 1, 32, 32), 0.5)
    found = attacked(Steadfast(x[:2]), x, torch.zeros(8).long(), norm=norm, eps=0.2)
    if norm == "l2":
        assert size(found - x, norm).tolist() == pytest.approx([0.2] * 8, rel=0.1)
    else:
        full = ((found - x).abs() >= 0.2 - 1e-6).float().mean().item()
        assert full == pytest.approx(0.3173, abs=0.02)


@pytest.mark.parametrize("norm", NORMS)
def test_the_first_wrong_level_is_kept(norm: str) -> None:
    """The levels are drawn here once more, all of them, and the first wrong one is taken."""
    model, eps, steps = Prototypes(prototypes(3)), {"linf": 0.3, "l2": 1.2}[norm], 12
    x, y = near(model.p, 30, spread=0.15)
    found = attacked(model, x, y, norm=norm, eps=eps, steps=steps, reach=2.0, seed=5)
    draw, unit = generator(5), 1 if norm == "linf" else 1 / sqrt(16)
    levels = [x]
    for k in range(1, steps + 1):
        delta = 2 * eps * unit * k / steps * torch.randn(x.shape, generator=draw)
        if norm == "linf":
            delta = delta.clamp(-eps, eps)
        else:
            delta = delta * (eps / size(delta, "l2")).clamp(max=1)[:, None, None, None]
        levels.append((x + delta).clamp(0, 1))
    wrong = torch.stack([model(level).argmax(dim=1) != y for level in levels])
    first = torch.where(wrong.any(dim=0), wrong.int().argmax(dim=0), steps)
    assert len(set(first.tolist())) > 3
    torch.testing.assert_close(found, torch.stack(levels)[first, range(30)], atol=1e-6, rtol=0)


def test_images_that_are_found_leave_the_batch_and_change_nobody_s_noise() -> None:
    model = Prototypes(prototypes(2))
    x, y = near(model.p, 8, spread=0.02)
    easy = torch.where(torch.arange(8) < 4, 1 - y, y)  # four are wrong from the first
    before = attacked(model, x, y, norm="linf", eps=0.02, seed=3)
    model.passes.forwards = 0
    found = attacked(model, x, easy, norm="linf", eps=0.02, seed=3, steps=10)
    assert model.passes.forwards == 8 + 10 * 4
    assert torch.equal(found[:4], x[:4])
    assert torch.equal(found[4:], before[4:])


def test_on_a_randomised_classifier_the_same_seed_gives_the_same_bytes() -> None:
    model = Noisy(prototypes(3), std=0.2)
    x, y = near(model.p, 9, spread=0.1)
    entry = sweep.Sweep("growing_noise", {"eps": (0.3,), "steps": (5,)}, options={"eot": 2})
    runs = [next(sweep.run(model, x, y, sweep=entry, seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(runs[0].images, runs[1].images)
    assert not torch.equal(runs[0].images, runs[2].images)
    assert runs[0].forwards is not None
    assert 2 <= runs[0].forwards <= 2 * 6
    assert runs[0].backwards == 0
