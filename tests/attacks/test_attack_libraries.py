"""The wrapped attacks against their libraries called directly, and against closed forms."""

from __future__ import annotations

from math import inf
from types import ModuleType

import pytest
import torch
from torch import Tensor

from libraries import FOOLBOX, MINIMUM, TORCH, Case, linear_net, run, small_net, spec, wrong
from norms import generator, size
from oracles import ROUNDING, Shifted, directly, nearest
from prototypes import Noisy, Prototypes, near, prototypes
from robustgen.attacks import foolbox, noise, torchattacks
from robustgen.attacks.types import Spec

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
