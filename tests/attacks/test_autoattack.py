"""The wrapped AutoAttack against the library called directly."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from libraries import COUNT, Case, run, small_net, spec, wrong
from norms import generator, size
from oracles import ROUNDING, Shifted, directly
from robustgen.attacks import autoattack
from robustgen.attacks.types import Attacked
from robustgen.core.shards import stages
from robustgen.nets.classifier import Classifier, as_classifier

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


@pytest.fixture
def case() -> Case:
    return small_net()


@pytest.mark.parametrize(
    "members", [["apgd-ce"], ["apgd-dlr", "fab"], ["apgd-t", "fab-t", "square"]]
)
@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.02), ("l2", 0.1)])
def test_custom_autoattack_is_the_library_s(
    case: Case, members: list[str], norm: str, eps: float
) -> None:
    from pyautoattack.autoattack import APGDAttack, APGDAttack_targeted, AutoAttack

    model, x, y = case

    def call(own: int) -> Tensor:
        large = {"linf": "Linf", "l2": "L2"}[norm]
        given: dict[str, Any] = {"eps": eps, "norm": large, "seed": own, "device": "cpu"}
        made = AutoAttack(model, version="custom", attacks=members, **given)
        made.apgd = APGDAttack(model, n_iter=30, n_restarts=1, logger=made.logger, **given)
        made.apgd_targeted = APGDAttack_targeted(
            model, n_iter=30, n_target_classes=5, logger=made.logger, **given
        )
        made.fab.n_iter, made.fab.n_restarts, made.fab.n_target_classes, made.square.n_queries = (
            30,
            1,
            5,
            30,
        )
        return made.run_standard_evaluation(x, y)[0]

    options = {"version": "custom", "attacks": members, "n_queries": 30}
    ours = run(autoattack, case, spec(norm=norm, eps=eps, steps=30, **options))
    assert torch.equal(ours.images, directly(call))
    assert size(ours.images - x, norm).max() <= eps + ROUNDING
    assert torch.equal(ours.images[wrong(case)], x[wrong(case)])
    assert wrong(case).sum() < ours.success.sum() < COUNT


@pytest.mark.parametrize("version", ["standard", "rand"])
def test_protocols_of_autoattack_break_a_weak_net_and_say_nothing(
    case: Case, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger=""):
        found = run(autoattack, case, spec(eps=0.3, steps=1, version=version))
    assert found.success.all()
    assert not [record for record in caplog.records if "classes" in record.getMessage()]
    assert all(record.levelno >= logging.WARNING for record in caplog.records)
    assert found.backwards == pytest.approx(
        101 * (20 if version == "rand" else 1) * (1 - wrong(case).float().mean().item())
    )


@pytest.mark.parametrize(
    ("shift", "said"),
    [(lambda z: 0 * z, ""), (lambda z: 0 * z + torch.randn(len(z), 1), "randomized defense")],
)
def test_warnings_of_autoattack_come_with_its_images(
    case: Case, shift: Callable[[Tensor], Tensor], said: str
) -> None:
    net = as_classifier(Shifted(case[0], shift))
    given = spec(eps=0.3, steps=2, version="custom", attacks=["apgd-ce"])
    found = autoattack.attack(net, *case[1:], spec=given, generator=generator(3)).warning
    assert found is not None
    assert (said in found) if said else (found == "")
    assert "flags_doc" not in found


def test_a_classifier_with_gradients_of_its_own_leaves_no_warning_for_the_next(case: Case) -> None:
    """The library's counter of gradients within a forward pass is never set back."""

    def own_gradient(z: Tensor) -> Tensor:
        with torch.enable_grad():
            free = torch.ones(1, requires_grad=True)
            return z + torch.autograd.grad(free.sum(), free)[0] - 1

    given = spec(eps=0.3, steps=2, version="custom", attacks=["apgd-ce"])
    first, second = (
        autoattack.attack(
            as_classifier(Shifted(case[0], shift)), *case[1:], spec=given, generator=generator(3)
        ).warning
        for shift in (own_gradient, lambda z: z)
    )
    assert first is not None
    assert "dynamic defense" in first
    assert second == ""


def test_the_library_itself_fails_on_fewer_than_ten_classes(case: Case) -> None:
    from pyautoattack import AutoAttack

    with pytest.raises(IndexError):
        AutoAttack(
            case[0], eps=1e-4, version="custom", attacks=["apgd-t"], seed=0
        ).run_standard_evaluation(*case[1:])


class Killed(Exception):
    """In the place of kill -9."""


class Dithered(Classifier):
    """A net that adds noise of its own to images."""

    stochastic = True

    def __init__(self, net: Classifier) -> None:
        super().__init__()
        self.net, self.passes = net, net.passes
        self.generator = torch.Generator()

    def reseed(self, generator: torch.Generator) -> None:
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + 0.01 * torch.randn(x.shape, generator=self.generator))


@pytest.mark.parametrize("noisy", [False, True])
def test_a_killed_attack_goes_on_after_the_last_member_and_ends_with_the_same(
    case: Case, tmp_path: Path, noisy: bool
) -> None:
    """It is killed before its third member; the second run computes that member alone."""
    plain = as_classifier(case[0])
    net = Dithered(plain) if noisy else plain
    told = {"version": "custom", "attacks": ["apgd-ce", "apgd-dlr", "square"], "n_queries": 20}
    computed: list[str] = []

    def attack(keep: Any = None) -> Attacked:
        more = {"stages": keep} if keep else {}
        net.reseed(torch.Generator().manual_seed(0))
        given = spec(eps=0.02, steps=5, **told, **more)
        return autoattack.attack(net, *case[1:], spec=given, generator=generator(3))

    def keeping(most: int) -> Any:
        kept = stages(tmp_path / "images.safetensors", "test-0", "key")

        def keep(name: str, compute: Any) -> Any:
            def counted() -> Any:
                if len(computed) == most:
                    raise Killed
                computed.append(name)
                return compute()

            return kept(name, counted)

        return keep

    before = net.passes.copy()
    whole = attack()
    spent = net.passes - before
    with pytest.raises(Killed):
        attack(keeping(2))
    before = net.passes.copy()
    resumed = attack(keeping(9))
    assert torch.equal(whole.images, resumed.images)
    assert net.passes - before == spent
    assert len(computed) == 3
    assert len(set(computed)) == 3
