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
from robustgen.measures.scores import natural_columns


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


def natural() -> dict[str, np.ndarray]:
    return {
        name: value.double().numpy() for name, value in natural_columns(net(images(400)[0])).items()
    }


def spec(detector: str = "two_sided", **changes: Any) -> Spec:
    options = {"detector": detector, "natural": natural(), **changes.pop("options", {})}
    return Spec(**{"eps": 0.2, "step": 0.01, "steps": 60, "options": options, **changes})


def run(of: Spec) -> Attacked:
    x, y = images()
    return evade.attack(net, x, y, spec=of, generator=torch.Generator().manual_seed(1))


def unflagged(x: Tensor, detector: str, fpr: float = 0.05) -> Tensor:
    """Whether the defender lets images pass, at its own false positive rate."""
    fit, other = halves(natural())
    statistic = STATISTICS[detector].fit(fit)
    columns = {name: value.double().numpy() for name, value in natural_columns(net(x)).items()}
    return torch.from_numpy(statistic(columns) <= np.quantile(statistic(other), 1 - fpr))


@pytest.mark.parametrize("detector", STATISTICS)
def test_it_fools_the_net_and_passes_the_detector_where_pgd_is_caught(detector: str) -> None:
    x, y = images()
    plain = pgd.attack(
        net,
        x,
        y,
        spec=Spec(eps=0.2, step=0.01, steps=60),
        generator=torch.Generator().manual_seed(1),
    )
    found = run(spec(detector))
    assert plain.success.float().mean() > 0.9
    assert (plain.success & unflagged(plain.images, detector)).float().mean() < 0.1
    assert (found.success & unflagged(found.images, detector)).float().mean() > 0.8


def test_images_stay_in_the_ball_and_are_images() -> None:
    found, (x, y) = run(spec()), images()
    assert (found.images - x).abs().max() <= 0.2 + 1e-6
    assert found.images.min() >= 0
    assert torch.equal(found.success, net(found.images).argmax(1) != y)


def test_where_the_band_cannot_be_reached_the_fooled_point_of_smallest_statistic_is_kept() -> None:
    far = {name: value - 1000 if name == "energy" else value for name, value in natural().items()}
    found, plain = run(spec(options={"natural": far})), run(spec())
    assert found.success.float().mean() > 0.9
    # as low as fooling allows
    assert energy(net(found.images)).mean() < energy(net(plain.images)).mean() - 5


def test_restarts_only_help() -> None:
    one, three = (run(spec(restarts=count, steps=8)) for count in (1, 3))
    passing = [
        (found.success & unflagged(found.images, "two_sided")).sum() for found in (one, three)
    ]
    assert passing[1] >= passing[0]
    assert three.backwards == 3 * one.backwards == 24


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "random"}, "untargeted and have no energy term"),
        ({"weight": 1.2}, "untargeted and have no energy term"),
        ({"detector": "lid"}, "is one of two_sided, one_class, not 'lid'"),
    ],
)
def test_refusals(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        run(spec(**changes))
