"""The wrapped attacks against their libraries called directly, and against closed forms."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from libraries import COUNT, FOOLBOX, MINIMUM, TORCH, Case, linear_net, run, small_net, spec, wrong
from norms import generator, size
from prototypes import Noisy, Prototypes, near, prototypes
from robustgen.attacks import autoattack, foolbox, noise, torchattacks
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import as_classifier

ROUNDING = 1e-6
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


class Shifted(nn.Module):
    """A classifier with its logits shifted per image by a function of them."""

    def __init__(self, model: nn.Module, shift: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.shift = model, shift

    def forward(self, x: Tensor) -> Tensor:
        z = self.model(x)
        return z - self.shift(z.detach())


def nearest(plane: Case, order: float) -> Tensor:
    """min_k (z_y - z_k) / ||w_y - w_k||_q with 1/order + 1/q = 1."""
    model, x, y = plane
    z, w = model(x).detach(), model[1].weight.data
    apart = (w[y][:, None] - w[None]).norm(p=2 if order == 2 else 1, dim=2)
    gap = (z.gather(1, y[:, None]) - z) / apart
    return gap.scatter(1, y[:, None], inf).amin(dim=1)


def directly(call: Callable[[int], Tensor], seed: int = 3) -> Tensor:
    """What the library gives after the seeding of the wrapper; it is handed the seed that is drawn
    for its own use.
    """
    with torch.random.fork_rng():
        start = int(torch.randint(2**31, (), generator=generator(seed)))
        torch.manual_seed(start)
        own = int(torch.randint(2**31, ()))
        torch.manual_seed(start)
        return call(own).detach()


def clean_where_it_failed(case: Case, found: Tensor) -> Tensor:
    """The library's images, and clean ones that were misclassified already; an all-zero image is
    how foolbox's CW says that it found nothing.
    """
    model, x, y = case
    fools = (model(found).argmax(dim=1) != y) & found.flatten(1).any(dim=1)
    fools &= model(x).argmax(dim=1) == y
    return torch.where(fools.reshape(-1, 1, 1, 1), found, x)


@pytest.mark.parametrize("name", TORCH)
def test_bounded_attacks_of_torchattacks_are_the_library_s(case: Case, name: str) -> None:
    import torchattacks as library

    changes, arguments = TORCH[name]
    seeded = name in ("APGD", "APGDT", "Square")
    theirs = directly(
        lambda own: getattr(library, name)(
            case[0], eps=0.1, **arguments, **({"seed": own} if seeded else {})
        )(*case[1:])
    )
    ours = run(torchattacks, case, spec(name, **changes))
    assert torch.equal(ours.images, theirs)
    assert torch.equal(ours.success, case[0](theirs).argmax(dim=1) != case[2])
    assert size(ours.images - case[1], changes.get("norm", "linf")).max() <= 0.1 + ROUNDING


@pytest.mark.parametrize("name", ["CW", "DeepFool"])
def test_unbounded_attacks_of_torchattacks_are_the_library_s(case: Case, name: str) -> None:
    import torchattacks as library

    model, x, y = case
    if name == "CW":
        model, x = (
            Shifted(model, lambda z: z.amin(dim=1, keepdim=True) - 1),
            x.clamp(1e-6, 1 - 1e-6),
        )
    theirs = directly(lambda _: getattr(library, name)(model, steps=15)(x, y))
    ours = run(torchattacks, case, spec(name, eps=inf, norm="l2", steps=15))
    assert (ours.images - clean_where_it_failed(case, theirs)).abs().max() <= ROUNDING
    assert ours.success.float().mean() > 0.5


@pytest.mark.parametrize(
    ("name", "restarts"), [*((name, 1) for name in FOOLBOX), ("LinfPGD", 3), ("L2PGD", 3)]
)
def test_attacks_of_foolbox_are_the_library_s(case: Case, name: str, restarts: int) -> None:
    import foolbox as library

    model, x, y = case
    theirs_name, changes, arguments = FOOLBOX[name]
    eps, minimum = (inf, True) if name in MINIMUM else (0.1, False)
    attacker = getattr(library.attacks, theirs_name)(**arguments)
    attacker = attacker.repeat(restarts) if restarts > 1 else attacker
    more = {"restarts": restarts} if restarts > 1 else {}
    theirs = directly(
        lambda _: attacker(
            library.PyTorchModel(model, bounds=(0, 1), device="cpu"),
            x,
            y,
            epsilons=None if minimum else eps,
        )[1]
    ).clamp(0, 1)
    ours = run(foolbox, case, spec(name, **changes, **more, eps=eps))
    assert torch.equal(ours.images, clean_where_it_failed(case, theirs) if minimum else theirs)
    assert torch.equal(ours.success, model(ours.images).argmax(dim=1) != y)
    assert size(ours.images - x, changes.get("norm", "linf")).max() <= eps + ROUNDING


@pytest.mark.parametrize(
    ("module", "given", "order", "slack"),
    [
        (torchattacks, spec("DeepFool", eps=inf, norm="l2", steps=20), 2, 0.03),
        (
            torchattacks,
            spec("CW", eps=inf, norm="l2", steps=300, c=0.05, lr=0.001),
            2,
            0.03,
        ),
        (foolbox, spec("L2DeepFool", eps=inf, norm="l2", steps=20), 2, 0.03),
        (foolbox, spec("LinfDeepFool", eps=inf, steps=20), inf, 0.05),
        (
            foolbox,
            spec("DDN", eps=inf, norm="l2", steps=100, init_epsilon=0.05),
            2,
            0.06,
        ),
        (
            foolbox,
            spec("L2CarliniWagner", eps=inf, norm="l2", steps=100, stepsize=0.003),
            2,
            0.01,
        ),
    ],
    ids=lambda value: value.options["name"] if isinstance(value, Spec) else "",
)
def test_smallest_perturbations_come_near_the_closed_form(
    plane: Case, module: ModuleType, given: Spec, order: float, slack: float
) -> None:
    found = run(module, plane, given)
    exact = nearest(plane, order)
    ratio = size(found.images - plane[1], given.norm) / exact
    assert found.success.all()
    assert ratio.min() >= 1 - 1e-4
    assert ratio.median() <= 1 + slack


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


def test_cw_sees_negative_logits_which_the_library_does_not(plane: Case) -> None:
    import torchattacks as library

    model, x, y = plane
    negative = Shifted(model, lambda z: z.amax(dim=1, keepdim=True) + 1)
    assert negative(x).max() < 0
    assert (negative(library.CW(negative, steps=50)(x, y)).argmax(dim=1) == y).all()
    assert run(
        torchattacks, (negative, x, y), spec("CW", eps=inf, norm="l2", steps=50)
    ).success.all()


def test_cw_moves_black_and_white_pixels_which_the_library_does_not(plane: Case) -> None:
    import torchattacks as library

    model, x, _ = plane
    x = x.round()
    y = model(x).argmax(dim=1)
    assert torch.equal(library.CW(model, lr=0.1, steps=100)(x, y), x)
    assert run(
        torchattacks, (model, x, y), spec("CW", eps=inf, norm="l2", steps=100, lr=0.1)
    ).success.all()


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.3)])
@pytest.mark.parametrize("name", ["APGD", "APGDT", "Square"])
def test_fixed_attacks_attack_every_image(case: Case, name: str, norm: str, eps: float) -> None:
    given = {"norm": norm, "eps": eps, "steps": 12 if name == "Square" else 4, "restarts": 2}
    published = run(torchattacks, case, spec(name, **given))
    fixed = run(torchattacks, case, spec(name, **given, fixed=True))
    before = wrong(case)
    assert before.sum() >= 4
    assert torch.equal(published.images[before], case[1][before])
    assert torch.equal(published.images[~published.success], case[1][~published.success])
    assert (size(fixed.images - case[1], norm) > 0).all()
    assert size(fixed.images - case[1], norm).max() <= eps + ROUNDING
    assert fixed.success[before].all()
    assert fixed.success.sum() >= published.success.sum() - 1


def test_fixed_apgdt_targets_all_classes_but_the_label(plane: Case) -> None:
    """Labels are the second class and the budget is small: only the run towards the top class
    raises its lead.
    """
    model, x, y = plane
    y = model(x).argsort(dim=1)[:, -2]
    found = run(torchattacks, (model, x, y), spec("APGDT", eps=0.001, steps=10, fixed=True))
    z = model(torch.cat([x, found.images])).detach()
    margin = (
        z.scatter(1, y.repeat(2)[:, None], -inf).amax(dim=1)
        - z.gather(1, y.repeat(2)[:, None])[:, 0]
    ).chunk(2)
    assert found.success.all()
    assert (margin[1] > margin[0]).all()


@pytest.mark.parametrize("failing", ["CW", "L2CarliniWagner"])
def test_a_failed_search_gives_the_clean_image_back(plane: Case, failing: str) -> None:
    module = torchattacks if failing == "CW" else foolbox
    found = run(module, plane, spec(failing, eps=inf, norm="l2", steps=1))
    assert not found.success.any()
    assert torch.equal(found.images, plane[1])


def test_foolbox_s_cw_claims_the_black_image_as_success(plane: Case) -> None:
    """Why the wrapper drops it: a black image is often misclassified, and lies anywhere but
    near.
    """
    import foolbox as library

    attacker = library.attacks.L2CarliniWagnerAttack(steps=1)
    _, black, claimed = attacker(
        library.PyTorchModel(plane[0], bounds=(0, 1), device="cpu"), *plane[1:], epsilons=None
    )
    assert not black.any()
    assert claimed.any()


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


NEAREST = {
    "DDN": {"steps": 100, "init_epsilon": 0.5},
    "L2CarliniWagner": {"steps": 200, "stepsize": 0.01, "binary_search_steps": 5},
    "L2DeepFool": {"steps": 20},
    "BoundaryAttack": {"steps": 3000},
    "HopSkipJumpAttack": {"steps": 20},
    "LinfDeepFool": {"steps": 20, "norm": "linf"},
}


@pytest.mark.parametrize("name", NEAREST)
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_attacks_on_negative_scores_come_near_the_closed_form(name: str, scale: float) -> None:
    """Scores -s ||x - p_k||^2: the nearest wrong image lies in the plane between p_y and p_k, in l2
    (||x - p_k||^2 - ||x - p_y||^2) / (2 ||n||_2) away with n = p_k - p_y, in linf with ||n||_1.
    """
    model = Prototypes(prototypes(3, side=6), scale=scale)
    x, y = near(model.p, 9)
    options = {"norm": "l2"} | NEAREST[name]
    d = -model(x) / scale
    normal = (model.p[y][:, None] - model.p).flatten(2)
    length = normal.norm(dim=2) if options["norm"] == "l2" else normal.abs().sum(dim=2)
    gap = (d - d.gather(1, y[:, None])) / (2 * length)
    exact = gap.scatter(1, y[:, None], inf).amin(dim=1)
    found = run(foolbox, (model, x, y), spec(name, eps=inf, **options))
    ratio = size(found.images - x, options["norm"]) / exact
    assert model(x).max() < 0
    assert found.success.all()
    assert ratio.min() >= 1 - 1e-3
    assert ratio.median() <= 1.2


@pytest.mark.parametrize("name", ["DDN", "L2CarliniWagner", "L2DeepFool", "BoundaryAttack"])
def test_attacks_run_on_a_randomised_classifier_and_keep_what_they_found(name: str) -> None:
    """Same seed, same bytes; and a find at the boundary, which every second pass calls right, is
    not undone.
    """
    model = Noisy(prototypes(3), std=0.1)
    x, y = near(model.p, 12)
    given = spec(name, eps=inf, norm="l2", steps=30)
    first, again = (run(foolbox, (model, x, y), given) for _ in range(2))
    assert torch.equal(first.images, again.images)
    assert (size(first.images - x, "l2") > 0).sum() >= 9


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


def test_the_library_itself_fails_on_fewer_than_ten_classes(case: Case) -> None:
    from pyautoattack import AutoAttack

    with pytest.raises(IndexError):
        AutoAttack(
            case[0], eps=1e-4, version="custom", attacks=["apgd-t"], seed=0
        ).run_standard_evaluation(*case[1:])


def test_noise_has_the_deviation_eps_and_is_clipped() -> None:
    x, labels = torch.full((32, 1, 8, 8), 0.5), torch.zeros(32).long()
    given = (lambda x: x.flatten(1)[:, :2], x, labels)
    found = run(noise, given, spec(eps=0.05, steps=1), seed=5)
    assert torch.equal(found.images, x + 0.05 * torch.randn(x.shape, generator=generator(5)))
    assert (found.images - x).std().item() == pytest.approx(0.05, rel=0.05)
    assert (found.forwards, found.backwards) == (0, 0)
    strong = run(noise, given, spec(eps=1.0, steps=1), seed=5)
    assert set(torch.unique(strong.images).tolist()) >= {0.0, 1.0}
    assert strong.images.aminmax() == (0, 1)


@pytest.mark.parametrize("name", ["DDN", "L2DeepFool", "BoundaryAttack", "L2CarliniWagner"])
def test_a_search_for_the_nearest_image_leaves_misclassified_ones(name: str) -> None:
    """The nearest image to which the classifier gives a wrong class is the image itself."""
    model = Prototypes(prototypes())
    x, y = near(model.p, 6)
    wrong = torch.tensor([True, False] * 3)
    labels = torch.where(wrong, (y + 1) % 3, y)
    spec = Spec(eps=float("inf"), steps=5, norm="l2", options={"name": name})
    found = foolbox.attack(model, x, labels, spec=spec, generator=generator())
    assert torch.equal(found.images[wrong], x[wrong])
