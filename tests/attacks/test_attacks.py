"""Attacks on a linear classifier, against closed forms."""

import pytest
import torch
from torch import Tensor, nn

from by_hand import CENTRE, attacked, spec, wrong
from norms import NORMS, generator
from robustgen.attacks import torchattacks
from robustgen.attacks.types import Spec
from robustgen.nets.classifier import Passes, as_classifier

W = torch.tensor([0.7, -0.2, 0.5, -1.1, 0.3, -0.6, 0.9, 0.4, -0.8]).reshape(1, 3, 3)


class Linear(nn.Module):
    """Two classes with logits (0, w x + b); f is the margin of class 1."""

    def __init__(self, margin_at_centre: float) -> None:
        super().__init__()
        self.b = margin_at_centre - float((W * 0.5).sum())

    def forward(self, x: Tensor) -> Tensor:
        f = (W * x).flatten(1).sum(dim=1) + self.b
        return torch.stack([torch.zeros_like(f), f], dim=1)


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
