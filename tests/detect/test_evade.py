"""Attacks that know a detector: on a net whose energies are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from robustgen.attacks import pgd
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused
from robustgen.detect import evade
from robustgen.measures.energy import energy
from robustgen.measures.natural import STATISTICS, halves
from robustgen.measures.scores import label_free
from robustgen.nets.classifier import Passes, as_classifier


def net(x: Tensor) -> Tensor:
    """Two pixels: the first decides the class, the second raises all logits and so lowers the
    energy; both grow with eps.
    """
    a, b = x.flatten(1).T
    decision, level = 40 * (a - 0.5), 30 * (b + (a - 0.5).abs() * 2)
    return torch.stack([level + decision, level - decision], dim=1)


def images(n: int = 64) -> tuple[Tensor, Tensor]:
    x = 0.5 + 0.1 * (torch.rand(n, 1, 1, 2, generator=torch.Generator().manual_seed(0)) - 0.5)
    return x, net(x).argmax(1)


def clean() -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in label_free(net(images(400)[0])).items()}


def spec(detector: str = "two_sided", *, steps: int = 60, **options: Any) -> Spec:
    return Spec(
        0.2, steps, options={"detector": detector, "clean": clean(), "step": 0.01} | options
    )


def run(of: Spec) -> Tensor:
    x, y = images()
    found = evade.attack(net, x, y, spec=of, generator=torch.Generator().manual_seed(1))
    assert isinstance(found, Attacked)
    return found.images


def fooled(x: Tensor) -> Tensor:
    return net(x).argmax(1) != images()[1]


def unflagged(x: Tensor, detector: str, fpr: float = 0.05) -> Tensor:
    """Whether the defender lets images pass, at its own false positive rate."""
    fit, other = halves(clean())
    statistic = STATISTICS[detector].fit(fit)
    columns = {name: value.double().numpy() for name, value in label_free(net(x)).items()}
    return torch.from_numpy(statistic(columns) <= np.quantile(statistic(other), 1 - fpr))


@pytest.mark.parametrize("detector", STATISTICS)
def test_it_fools_the_net_and_passes_the_detector_where_pgd_is_caught(detector: str) -> None:
    x, y = images()
    plain = pgd.attack(
        net,
        x,
        y,
        spec=Spec(0.2, 60, options={"step": 0.01}),
        generator=torch.Generator().manual_seed(1),
    ).images
    found = run(spec(detector))
    assert fooled(plain).float().mean() > 0.9
    assert (fooled(plain) & unflagged(plain, detector)).float().mean() < 0.1
    assert (fooled(found) & unflagged(found, detector)).float().mean() > 0.8


def test_images_stay_in_the_ball_and_are_images() -> None:
    found, (x, _) = run(spec()), images()
    assert (found - x).abs().max() <= 0.2 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1


def test_where_the_band_cannot_be_reached_the_fooled_point_of_smallest_statistic_is_kept() -> None:
    far = {name: value - 1000 if name == "energy" else value for name, value in clean().items()}
    found, plain = run(spec(clean=far)), run(spec())
    assert fooled(found).float().mean() > 0.9
    # as low as fooling allows
    assert energy(net(found)).mean() < energy(net(plain)).mean() - 5


def test_restarts_only_help() -> None:
    one, three = (run(spec(restarts=count, steps=8)) for count in (1, 3))
    passing = [(fooled(found) & unflagged(found, "two_sided")).sum() for found in (one, three)]
    assert passing[1] >= passing[0]


@pytest.mark.parametrize(("restarts", "eot"), [(1, 1), (3, 1), (1, 2)])
def test_the_passes_are_those_of_steps_and_of_their_judgement(restarts: int, eot: int) -> None:
    """A step takes eot gradients; each of the steps + 1 points is judged by one more pass."""
    model, (x, y) = as_classifier(net), images(4)
    of = spec(restarts=restarts, eot=eot, steps=8)
    evade.attack(model, x, y, spec=of, generator=torch.Generator())
    forwards, backwards = restarts * (8 * eot + 9), restarts * 8 * eot
    assert model.passes == Passes(4 * forwards, 4 * backwards)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "random"}, "Option target of kind evade: unknown option"),
        ({"lambda_": 1.2}, "Option lambda_ of kind evade: unknown option"),
        ({"detector": "lid"}, "must be one of two_sided, one_class, not 'lid'"),
        ({"clean": {}}, "ask for energy, max_logit, top_margin of clean validation images"),
    ],
)
def test_refusals(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        run(spec(**options))
