"""x"""

from __future__ import annotations

from math import inf

import pytest
import torch
from torch import Tensor, nn

from libraries import COUNT, Case, linear_net, run, small_net, spec, wrong
from norms import size
from oracles import nearest
from prototypes import Noisy, near, prototypes
from robustgen.attacks import foolbox
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


@pytest.fixture
def case() -> Case:
    return small_net()


@pytest.fixture
def plane() -> Case:
    return linear_net()


def test_boundary_attack_closes_in_on_the_closed_form(plane: Case) -> None:
    exact = nearest(plane, 2)
    few, many = (
        run(foolbox, plane, spec("BoundaryAttack", eps=inf, norm="l2", steps=steps))
        for steps in (1, 600)
    )
    apart = [size(found.images - plane[1], "l2") for found in (few, many)]
    assert many.success.all()
    assert (apart[1] >= exact * (1 - 1e-4)).all()
    assert (apart[1] / exact).median() < (apart[0] / exact).median() / 2


def test_boundary_attack_without_a_start_gives_the_clean_image_back(plane: Case) -> None:
    """Images of a class that all noise belongs to find no start; the others are attacked all the
    same.
    """
    x, y = plane[1][:4].clone(), torch.tensor([0, 0, 1, 1])
    x[2:] = 0

    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack(
                [x.flatten(1).amax(dim=1) - 0.1, 0.1 - x.flatten(1).amax(dim=1)], dim=1
            )

    model = Noise().eval()
    found = run(foolbox, (model, x, y), spec("BoundaryAttack", eps=inf, norm="l2", steps=5))
    assert found.success.tolist() == [False, False, True, True]
    assert torch.equal(found.images[:2], x[:2])
    none = run(foolbox, (model, x[:2], y[:2]), spec("BoundaryAttack", eps=inf, norm="l2", steps=5))
    assert not none.success.any()


def hop(steps: int = 4) -> Spec:
    return spec("HopSkipJumpAttack", eps=inf, norm="l2", steps=steps)


def test_hop_skip_jump_closes_in_on_the_closed_form(plane: Case) -> None:
    exact = nearest(plane, 2)
    found = run(foolbox, plane, hop(20))
    apart = size(found.images - plane[1], "l2") / exact
    assert found.success.all()
    assert apart.min() >= 1 - 1e-4
    assert apart.median() < 1.3
    assert found.backwards == 0


def test_directions_of_hop_skip_jump_have_length_1_per_image_which_the_library_s_have_not(
    plane: Case,
) -> None:
    """The library divides by the norm of the whole batch: 16 images get lengths of about 1/4."""
    import eagerpy as ep
    import foolbox as library

    attacker = library.attacks.HopSkipJumpAttack()
    given = (lambda x: ep.astensor(x.raw.sum(dim=(1, 2, 3)) > 32), ep.astensor(plane[1]))
    delta = ep.astensor(torch.full((COUNT,), 0.1))
    with torch.random.fork_rng():
        theirs = attacker.approximate_gradients(*given, 50, delta).raw
        cured = foolbox._of_length_1(attacker.approximate_gradients)(*given, 50, delta).raw
    assert theirs.norm().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(size(cured, "l2"), torch.ones(COUNT))


@pytest.mark.parametrize("name", ["BoundaryAttack", "HopSkipJumpAttack"])
def test_attacks_from_starts_keep_images_that_are_wrong_already(case: Case, name: str) -> None:
    x, before = case[1], wrong(case)
    found = run(foolbox, case, spec(name, eps=inf, norm="l2", steps=3))
    assert before.sum() >= 4
    assert torch.equal(found.images[before], x[before])


def test_hop_skip_jump_refuses_a_randomised_classifier() -> None:
    model = Noisy(prototypes(3))
    with pytest.raises(Refused, match=r"answers alike each time, .* use BoundaryAttack, or kind"):
        run(foolbox, (model, *near(model.p, 6)), hop())
