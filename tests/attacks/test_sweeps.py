"""Sweeps: cells in their order, one start for all of them, passes as the classifier counts them,
and what is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from libraries import CLASSES, Case, linear_net, small_net
from norms import generator
from robustgen.attacks import pgd
from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run
from robustgen.attacks.types import Attacked
from robustgen.core.contracts import RefusedModule
from robustgen.nets.classifier import Classifier, as_classifier

Own = Callable[[str], str]  # a module's text -> its kind
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


class Noisy(Classifier):
    """A net behind fresh Gaussian noise, as in randomised smoothing; each pass is one forward."""

    stochastic = True

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.source = net, generator()

    def reseed(self, generator: torch.Generator) -> None:
        self.source = generator

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn(x.shape, generator=self.source)
        return self.net(self.counted(x) + 0.3 * noise)


@pytest.fixture
def case() -> Case:
    return small_net()


def ran(case: Case, sweep: Sweep, seed: int = 8) -> list[Attacked]:
    return list(run(*case, sweep=sweep, seed=seed))


def made(kind: str, sweep: dict[str, tuple[Any, ...]], norm: str = "linf", **options: Any) -> Sweep:
    return Sweep(kind, sweep, norm, options)


# --- cells ----------------------------------------------------------------------------------------


def test_axes_are_eps_then_steps_then_options_and_steps_vary_fastest() -> None:
    swept = {"lambda_": (0.0, 1.2), "steps": (0, 3), "eot": (1, 2), "eps": (0.1, 0.2)}
    sweep = made("pgd", swept)
    assert sweep.axes() == ["eps", "steps", "lambda_", "eot"]
    assert [tuple(cell.values()) for cell in sweep.cells()] == [
        (eps, steps, weight, eot)
        for eps in (0.1, 0.2)
        for weight in (0.0, 1.2)
        for eot in (1, 2)
        for steps in (0, 3)
    ]
    assert all(list(cell) == sweep.axes() for cell in sweep.cells())


def test_the_largest_cell_has_the_largest_budget_then_most_steps_and_is_the_first_such() -> None:
    """Of 8 cells the last four have the budget 0.2, and of these the first and third 5 steps."""
    sweep = made("pgd", {"eps": (0.1, 0.2), "steps": (5, 0), "lambda_": (0.0, 1.2)})
    assert sweep.largest() == 4
    assert sweep.cells()[4] == {"eps": 0.2, "steps": 5, "lambda_": 0.0}
    assert made("torchattacks", {"eps": (0.1,)}, name="FGSM").largest() == 0


def test_a_kind_without_budget_and_steps_has_neither_axis() -> None:
    assert made("noise", {"eps": (0.1,)}).axes() == ["eps"]
    assert made("torchattacks", {"eps": (0.1,)}, name="FGSM").axes() == ["eps"]
    assert made("foolbox", {"steps": (4,)}, "l2", name="DDN").axes() == ["steps"]


def test_options_of_a_cell_are_filled_and_may_be_handed_in_again() -> None:
    """Filled options hold the defaults of what belongs to the others alone: rho is APGD's."""
    sweep = made("torchattacks", {"eps": (0.1,), "steps": (4,)}, name="PGD")
    (cell,) = sweep.cells()
    options = sweep.spec(cell).options
    assert (options["name"], options["random_start"], "rho" in options) == ("PGD", True, False)
    again = made("torchattacks", sweep.sweep, **options)
    assert again.spec(cell) == sweep.spec(cell)


def test_a_configuration_s_map_may_write_fractions() -> None:
    entry = {"kind": "pgd", "sweep": {"eps": ["8/255"], "steps": [3], "step": ["1/255", "2/255"]}}
    assert [cell["step"] for cell in Sweep.of(entry).cells()] == [1 / 255, 2 / 255]
    assert Sweep.of(entry).sweep["eps"] == (8 / 255,)


# --- results --------------------------------------------------------------------------------------


def test_a_sweep_is_the_attacks_of_its_cells_from_the_same_start(case: Case) -> None:
    swept = {"eps": (0.1, 0.2), "steps": (0, 3), "lambda_": (0.0, 1.2)}
    sweep = made("pgd", swept, rel_step=0.5)
    for cell, found in zip(sweep.cells(), ran(case, sweep), strict=True):
        spec = sweep.spec(cell)
        assert spec.step == 0.5 * cell["eps"]
        alone = pgd.attack(*case, spec=spec, generator=generator(8))
        assert torch.equal(found.images, alone.images)
        assert (found.forwards, found.backwards) == (alone.forwards, alone.backwards)


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("lambda_", (0.0, 5.0)),
        ("eot", (1, 3)),
        ("target", ("none", "random", "least_likely")),
        ("random_start", (True, False)),
    ],
)
def test_each_cell_of_an_option_s_axis_is_the_attack_with_that_option(
    case: Case, axis: str, values: tuple[Any, ...]
) -> None:
    noisy = (Noisy(case[0]), *case[1:])
    found = ran(noisy, made("pgd", {"eps": (0.1,), "steps": (3,), axis: values}))
    for value, one in zip(values, found, strict=True):
        (alone,) = ran(noisy, made("pgd", {"eps": (0.1,), "steps": (3,)}, **{axis: value}))
        assert torch.equal(one.images, alone.images)
    images = [one.images for one in found]
    assert not any(torch.equal(images[0], other) for other in images[1:])


def test_a_text_option_of_a_library_is_swept(case: Case) -> None:
    swept = {"eps": (0.1,), "steps": (4,), "name": ("PGD", "APGD")}
    pgd_like, apgd = ran(case, made("torchattacks", swept))
    assert (pgd_like.backwards, pgd_like.forwards) == (4, 4)
    assert not torch.equal(pgd_like.images, apgd.images)


@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("eot", [1, 2])
def test_a_randomised_classifier_gives_the_same_bytes_for_the_same_seed(
    case: Case, eot: int, restarts: int
) -> None:
    """Nor do the bytes of a cell depend on what else is swept."""
    noisy, swept = (Noisy(case[0]), *case[1:]), {"eps": (0.1,), "steps": (0, 2, 5)}
    sweep = made("pgd", swept, eot=eot, restarts=restarts)
    first, again, other = ran(noisy, sweep), ran(noisy, sweep), ran(noisy, sweep, seed=9)
    for steps, one, two, three in zip((0, 2, 5), first, again, other, strict=True):
        (alone,) = ran(noisy, made("pgd", {**swept, "steps": (steps,)}, **sweep.options))
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.images, alone.images)
        assert (one.forwards, one.backwards) == (alone.forwards, alone.backwards)
        assert not torch.equal(one.images, three.images)


def test_the_classifier_s_own_draws_matter_and_are_reseeded(case: Case) -> None:
    """From the image itself the attack draws nothing, so that only the classifier's noise is left
    to depend on the seed.
    """
    noisy = (Noisy(case[0]), *case[1:])
    sweep = made("pgd", {"eps": (0.1,), "steps": (4,)}, random_start=False)
    first, again, other = (ran(noisy, sweep, seed=seed)[0].images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("torchattacks", {"name": "EOTPGD", "random_start": False}), ("foolbox", {"name": "LinfPGD"})],
)
def test_a_randomised_classifier_under_a_library_is_reseeded_too(
    case: Case, kind: str, options: dict[str, Any]
) -> None:
    noisy = (Noisy(case[0]), *case[1:])
    sweep = made(kind, {"eps": (0.1,), "steps": (4,)}, **options)
    first, again, other = (ran(noisy, sweep, seed=seed)[0].images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# --- passes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("eot", [1, 3])
@pytest.mark.parametrize("restarts", [1, 2])
def test_pgd_makes_one_pass_each_way_per_step_draw_and_restart(
    case: Case, steps: int, eot: int, restarts: int
) -> None:
    """Each of several restarts is judged by one more forward pass per draw."""
    sweep = made("pgd", {"eps": (0.1,), "steps": (steps,)}, eot=eot, restarts=restarts)
    (found,) = ran(case, sweep)
    judged = restarts * eot if restarts > 1 else 0
    assert found.backwards == steps * eot * restarts
    assert found.forwards == steps * eot * restarts + judged


@pytest.mark.parametrize("options", [{}, {"restarts": 2}, {"eot": 3}, {"target": "random"}])
def test_step_counts_that_share_a_trajectory_equal_single_runs(
    case: Case, options: dict[str, Any]
) -> None:
    classifier = as_classifier(case[0])
    shared = ran(
        (classifier, *case[1:]), made("pgd", {"eps": (0.1,), "steps": (0, 2, 5)}, **options)
    )
    spent = classifier.passes.backwards / len(case[1])
    assert spent == 5 * options.get("eot", 1) * options.get("restarts", 1)  # of the longest alone
    for steps, found in zip((0, 2, 5), shared, strict=True):
        (alone,) = ran(case, made("pgd", {"eps": (0.1,), "steps": (steps,)}, **options))
        assert torch.equal(found.images, alone.images)
        assert (found.forwards, found.backwards) == (alone.forwards, alone.backwards)


@pytest.mark.parametrize(
    ("kind", "norm", "sweep", "options", "passes"),
    [
        ("torchattacks", "linf", {"eps": (0.1,)}, {"name": "FGSM"}, (1, 1)),
        ("torchattacks", "linf", {"eps": (0.1,), "steps": (4,)}, {"name": "PGD"}, (4, 4)),
        (
            "torchattacks",
            "linf",
            {"eps": (0.1,), "steps": (4,)},
            {"name": "EOTPGD", "eot": 3},
            (12, 12),
        ),
        ("torchattacks", "l2", {"steps": (1,)}, {"name": "DeepFool"}, (1 + 1, CLASSES)),
        (
            "foolbox",
            "linf",
            {"eps": (0.1,), "steps": (4,)},
            {"name": "LinfPGD", "restarts": 2},
            (10, 8),
        ),
        ("foolbox", "l2", {"eps": (inf,), "steps": (4,)}, {"name": "DDN"}, (5 + 2, 4)),
        ("noise", "linf", {"eps": (0.1,)}, {}, (0, 0)),
    ],
)
def test_passes_of_libraries_are_those_that_the_classifier_counts(
    kind: str,
    norm: str,
    sweep: dict[str, tuple[Any, ...]],
    options: dict[str, Any],
    passes: tuple[float, float],
) -> None:
    (found,) = ran(linear_net(), made(kind, sweep, norm, **options))
    assert (found.forwards, found.backwards) == passes


OWN = """
import torch
from robustgen.attacks.types import Attacked

def attack(classifier, images, labels, *, spec, generator):
    for _ in range(spec.steps):
        x = images.requires_grad_()
        torch.autograd.grad(classifier(x).sum(), x)
    with torch.no_grad():
        classifier(images[:4])
    return Attacked(images.detach()
"""


def test_an_attack_of_ones_own_need_not_count(case: Case, own: Own) -> None:
    """Two gradients of 16 images and one more pass of four of them: 2.25 forwards per image."""
    (found,) = ran(case, made(own(OWN + ")"), {"eps": (0.1,), "steps": (2,)}))
    assert (found.forwards, found.backwards) == (2.25, 2)
    (stated,) = ran(case, made(own(OWN + ", 7, 8)"), {"eps": (0.1,), "steps": (2,)}))
    assert (stated.forwards, stated.backwards) == (7, 8)


SNAPSHOTS = """
from robustgen.attacks.types import Attacked

def snapshots(classifier, images, labels, *, spec, generator, at):
    return {step: Attacked(images) for step in at}

def attack(classifier, images, labels, *, spec, generator):
    return Attacked(images)
"""


def test_snapshots_must_say_what_each_would_have_cost(case: Case, own: Own) -> None:
    kind = own(SNAPSHOTS)
    with pytest.raises(RefusedModule, match="`snapshots` must say the forwards and backwards"):
        ran(case, made(kind, {"eps": (0.1,), "steps": (1, 2)}))
    assert ran(case, made(kind, {"eps": (0.1,)}))[0].forwards == 0
