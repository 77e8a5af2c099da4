"""The Latent Descent Attack against the closed form of prototype classifiers."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from norms import generator, size
from prototypes import Noisy, Prototypes, near, prototypes
from robustgen.abs import lda
from robustgen.attacks import sweep
from robustgen.attacks.cells import Sweep
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import Classifier, as_classifier

settings.load_profile("ci")  # no deadline, same examples in every run
STEPS, FINE = 20, 20


def attacked(model: Classifier, x: Tensor, y: Tensor, *, steps: int = STEPS, **options: Any) -> Any:
    spec = Spec(inf, steps, "l2", {"fine": FINE} | options)
    return lda.attack(model, x, y, spec=spec, generator=generator()).images


def along(model: Prototypes, x: Tensor, y: Tensor) -> Tensor:
    """How far it is from x, towards the other one of two prototypes, to the plane between them.

    f(lambda) = ||x_lambda - p_y||^2 - ||x_lambda - p_b||^2 with x_lambda = x + lambda (p_b - x) is
    linear in lambda, so its zero is f(0) / (f(0) - f(1)).
    """
    p_y, p_b = model.p[y], model.p[1 - y]

    def f(point: Tensor) -> Tensor:
        return (point - p_y).flatten(1).square().sum(1) - (point - p_b).flatten(1).square().sum(1)

    return f(x) / (f(x) - f(p_b)) * size(p_b - x, "l2")


@given(st.integers(0, 10**6), st.sampled_from([1, 7, 50]))
def test_the_point_found_is_where_the_way_to_the_other_class_crosses_the_boundary(
    seed: int, steps: int
) -> None:
    """After j halvings a point is at most way / 2^j behind the boundary."""
    model = Prototypes(prototypes(2, seed=seed), scale=100)
    x, y = near(model.p, 6, seed=seed + 1)
    found = attacked(model, x, y, steps=steps)
    assert (model(found).argmax(dim=1) != y).all()
    torch.testing.assert_close(size(found - x, "l2"), along(model, x, y), atol=1e-5, rtol=1e-4)


def test_without_halvings_the_first_wrong_step_is_kept() -> None:
    model = Prototypes(prototypes(2))
    x, y = near(model.p, 6)
    way = size(model.p[1 - y] - x, "l2")
    behind = size(attacked(model, x, y, fine=0) - x, "l2") - along(model, x, y)
    assert (behind > 0).all()
    assert (behind <= way / STEPS + 1e-5).all()
    steps = size(attacked(model, x, y, fine=0) - x, "l2") / way * STEPS
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_each_image_searches_between_its_own_points() -> None:
    """Images of one batch cross the boundary at different steps; alone each gives the same."""
    model = Prototypes(prototypes(3))
    x, y = near(model.p, 9, spread=0.25)
    together = attacked(model, x, y)
    alone = torch.cat([attacked(model, x[i : i + 1], y[i : i + 1]) for i in range(9)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_of_several_classes_it_moves_to_the_best_wrong_one_of_the_moment() -> None:
    model = Prototypes(prototypes(4))
    x, y = near(model.p, 8)
    best = model(x).scatter(1, y[:, None], -inf).argmax(dim=1)
    found = attacked(model, x, y)
    assert torch.equal(model(found).argmax(dim=1), best)


def test_wrong_images_stay_and_where_none_is_found_the_clean_image_is_given_back() -> None:
    model = Prototypes(prototypes(2))
    x, y = near(model.p, 4)
    assert torch.equal(attacked(model, x, 1 - y), x)

    class Deaf(Prototypes):
        def look(self, x: Tensor) -> dict[str, Any]:
            return super().look(x) | {"reconstructions": x[:, None].repeat(1, 2, 1, 1, 1)}

    assert torch.equal(attacked(Deaf(model.p), x, y), x)


def test_passes_are_one_look_per_step_and_halving() -> None:
    """Pixels of 0.25 between prototypes of 0.2 and 0.8: 0.25 + lambda 0.55 > 0.5 from
    lambda = 5/11 on, so the first wrong one of ten steps is the fifth.
    """
    p = torch.stack([torch.full((1, 2, 2), 0.2), torch.full((1, 2, 2), 0.8)])
    model, x, y = Prototypes(p), torch.full((1, 1, 2, 2), 0.25), torch.tensor([0])
    given_ = Sweep("lda", {"eps": (inf,), "steps": (10,)}, norm="l2", options={"fine": 3})
    (found,) = sweep.run(model, x, y, sweep=given_, seed=0)
    assert (found.forwards, found.backwards) == (6 + 3, 0)


def test_a_classifier_without_reconstructions_is_refused() -> None:
    x, y = near(prototypes(2), 4)
    with pytest.raises(Refused, match=r"Wrapped shows no reconstructions, .* such as kind abs"):
        attacked(as_classifier(lambda x: x.flatten(1)[:, :2]), x, y)


def test_on_a_randomised_classifier_the_same_seed_gives_the_same_bytes() -> None:
    model = Noisy(prototypes(3), std=0.2)
    x, y = near(model.p, 6)
    entry = Sweep("lda", {"eps": (inf,), "steps": (10,)}, norm="l2")
    runs = [next(sweep.run(model, x, y, sweep=entry, seed=seed)).images for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
