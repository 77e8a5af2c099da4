"""The wrapped attacks against their libraries called directly, against closed forms, and against what they refuse."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from math import inf
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from norms import generator, size
from robustgen.attacks import autoattack, foolbox, noise, torchattacks
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.refusal import Refused

CLASSES, SHAPE, COUNT = 6, (1, 8, 8), 16
ROUNDING = 1e-6
Case = tuple[nn.Module, Tensor, Tensor]
pytestmark = pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning")  # foolbox's import of scipy


class Shifted(nn.Module):
    """A classifier with its logits shifted per image by a function of them."""

    def __init__(self, model: nn.Module, shift: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.shift = model, shift

    def forward(self, x: Tensor) -> Tensor:
        z = self.model(x)
        return z - self.shift(z.detach())


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def case() -> Case:
    """A small net with steep logits, images, and labels of which every fourth is wrong."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, CLASSES)).eval()
        x = torch.rand(COUNT, *SHAPE)
    net[3].weight.data *= 20
    with torch.no_grad():
        net[3].bias -= net(x).mean(dim=0)
        y = net(x).argmax(dim=1)
    return net, x, torch.where(torch.arange(COUNT) % 4 == 0, (y + 1) % CLASSES, y)


@pytest.fixture
def plane() -> Case:
    """A linear classifier around the middle of the cube, whose nearest adversarial images have closed forms."""
    rng = generator(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES))
    model[1].weight.data = 3 * torch.randn(CLASSES, 64, generator=rng)
    model[1].bias.data = -model[1].weight.data.sum(dim=1) / 2
    x = 0.35 + 0.3 * torch.rand(COUNT, *SHAPE, generator=rng)
    return model.eval(), x, model(x).argmax(dim=1)


def nearest(plane: Case, order: float) -> Tensor:
    """min_k (z_y - z_k) / ||w_y - w_k||_q with 1/order + 1/q = 1."""
    model, x, y = plane
    z, w = model(x).detach(), model[1].weight.data
    apart = (w[y][:, None] - w[None]).norm(p=2 if order == 2 else 1, dim=2)
    gap = (z.gather(1, y[:, None]) - z) / apart
    return gap.scatter(1, y[:, None], inf).amin(dim=1)


def spec(name: str | None = None, **changes: Any) -> Spec:
    options = ({"name": name} if name else {}) | changes.pop("options", {})
    return Spec(**{"eps": 0.1, "step": 0.03, "steps": 4, "options": options, **changes})


def run(module: ModuleType, case: Case, given: Spec, seed: int = 3) -> Attacked:
    return module.attack(*case, spec=given, generator=generator(seed))


def directly(call: Callable[[int], Tensor], seed: int = 3) -> Tensor:
    """What the library gives after the seeding of the wrapper; it is handed the seed that is drawn for its own use."""
    with torch.random.fork_rng():
        start = int(torch.randint(2**31, (), generator=generator(seed)))
        torch.manual_seed(start)
        own = int(torch.randint(2**31, ()))
        torch.manual_seed(start)
        return call(own).detach()


def natural_where_it_failed(case: Case, found: Tensor) -> Tensor:
    """The library's images; an all-zero one is how foolbox's CW says that it found nothing."""
    model, x, y = case
    fools = (model(found).argmax(dim=1) != y) & found.flatten(1).any(dim=1)
    return torch.where(fools.reshape(-1, 1, 1, 1), found, x)


def numpy_state() -> np.ndarray:
    """The global generator of numpy, which must not change."""
    return np.random.get_state()[1].copy()  # noqa: NPY002


def wrong(case: Case) -> Tensor:
    model, x, y = case
    return model(x).argmax(dim=1) != y


TORCH = {
    "FGSM": ({"steps": 1}, {}),
    "PGD": ({}, {"alpha": 0.03, "steps": 4}),
    "PGDL2": ({"norm": "l2"}, {"alpha": 0.03, "steps": 4}),
    "EOTPGD": ({"eot": 3}, {"alpha": 0.03, "steps": 4, "eot_iter": 3}),
    "APGD": (
        {"norm": "l2", "restarts": 2, "options": {"loss": "dlr"}},
        {"norm": "L2", "steps": 4, "n_restarts": 2, "loss": "dlr"},
    ),
    "APGDT": ({}, {"steps": 4, "n_classes": CLASSES}),
    "Square": ({"steps": 40, "restarts": 2}, {"n_queries": 40, "n_restarts": 2}),
}


@pytest.mark.parametrize("name", TORCH)
def test_bounded_attacks_of_torchattacks_are_the_library_s(case: Case, name: str) -> None:
    import torchattacks as library

    changes, arguments = TORCH[name]
    seeded = name in ("APGD", "APGDT", "Square")
    theirs = directly(
        lambda own: getattr(library, name)(case[0], eps=0.1, **arguments, **({"seed": own} if seeded else {}))(*case[1:])
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
        model, x = Shifted(model, lambda z: z.amin(dim=1, keepdim=True) - 1), x.clamp(1e-6, 1 - 1e-6)
    theirs = directly(lambda _: getattr(library, name)(model, steps=15)(x, y))
    ours = run(torchattacks, case, spec(name, eps=inf, norm="l2", steps=15))
    assert (ours.images - natural_where_it_failed(case, theirs)).abs().max() <= ROUNDING
    assert ours.success.float().mean() > 0.5


FOOLBOX = {
    "LinfPGD": ("LinfPGD", {}, {"abs_stepsize": 0.03, "steps": 4, "random_start": True}),
    "L2PGD": ("L2PGD", {"norm": "l2"}, {"abs_stepsize": 0.03, "steps": 4, "random_start": True}),
    "LinfFastGradient": ("LinfFastGradientAttack", {"steps": 1}, {}),
    "DDN": ("DDNAttack", {"norm": "l2"}, {"steps": 4}),
    "L2CarliniWagner": ("L2CarliniWagnerAttack", {"norm": "l2"}, {"steps": 4}),
    "L2DeepFool": ("L2DeepFoolAttack", {"norm": "l2"}, {"steps": 4}),
    "LinfDeepFool": ("LinfDeepFoolAttack", {}, {"steps": 4}),
    "BoundaryAttack": ("BoundaryAttack", {"norm": "l2"}, {"steps": 4}),
}
MINIMUM = ("DDN", "L2CarliniWagner", "L2DeepFool", "LinfDeepFool", "BoundaryAttack")


@pytest.mark.parametrize(("name", "restarts"), [*((name, 1) for name in FOOLBOX), ("LinfPGD", 3), ("L2PGD", 3)])
def test_attacks_of_foolbox_are_the_library_s(case: Case, name: str, restarts: int) -> None:
    import foolbox as library

    model, x, y = case
    theirs_name, changes, arguments = FOOLBOX[name]
    eps, minimum = (inf, True) if name in MINIMUM else (0.1, False)
    attacker = getattr(library.attacks, theirs_name)(**arguments)
    attacker = attacker.repeat(restarts) if restarts > 1 else attacker
    theirs = directly(
        lambda _: attacker(library.PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilons=None if minimum else eps)[1]
    ).clamp(0, 1)
    ours = run(foolbox, case, spec(name, **changes, eps=eps, restarts=restarts))
    assert torch.equal(ours.images, natural_where_it_failed(case, theirs) if minimum else theirs)
    assert torch.equal(ours.success, model(ours.images).argmax(dim=1) != y)
    assert size(ours.images - x, changes.get("norm", "linf")).max() <= eps + ROUNDING


@pytest.mark.parametrize(
    ("module", "given", "order", "slack"),
    [
        (torchattacks, spec("DeepFool", eps=inf, norm="l2", steps=20), 2, 0.03),
        (torchattacks, spec("CW", eps=inf, norm="l2", steps=300, options={"c": 0.05, "lr": 0.001}), 2, 0.03),
        (foolbox, spec("L2DeepFool", eps=inf, norm="l2", steps=20), 2, 0.03),
        (foolbox, spec("LinfDeepFool", eps=inf, steps=20), inf, 0.05),
        (foolbox, spec("DDN", eps=inf, norm="l2", steps=100, options={"init_epsilon": 0.05}), 2, 0.06),
        (foolbox, spec("L2CarliniWagner", eps=inf, norm="l2", steps=100, options={"stepsize": 0.003}), 2, 0.01),
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
    few, many = (run(foolbox, plane, spec("BoundaryAttack", eps=inf, norm="l2", steps=steps)) for steps in (1, 600))
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
    assert run(torchattacks, (negative, x, y), spec("CW", eps=inf, norm="l2", steps=50)).success.all()


def test_cw_moves_black_and_white_pixels_which_the_library_does_not(plane: Case) -> None:
    import torchattacks as library

    model, x, _ = plane
    x = x.round()
    y = model(x).argmax(dim=1)
    assert torch.equal(library.CW(model, lr=0.1, steps=100)(x, y), x)
    assert run(torchattacks, (model, x, y), spec("CW", eps=inf, norm="l2", steps=100, options={"lr": 0.1})).success.all()


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.3)])
@pytest.mark.parametrize("name", ["APGD", "APGDT", "Square"])
def test_mended_attacks_attack_every_image(case: Case, name: str, norm: str, eps: float) -> None:
    given = {"norm": norm, "eps": eps, "steps": 12 if name == "Square" else 4, "restarts": 2}
    published = run(torchattacks, case, spec(name, **given))
    mended = run(torchattacks, case, spec(name, **given, options={"mended": True}))
    before = wrong(case)
    assert before.sum() >= 4
    assert torch.equal(published.images[before], case[1][before])
    assert torch.equal(published.images[~published.success], case[1][~published.success])
    assert (size(mended.images - case[1], norm) > 0).all()
    assert size(mended.images - case[1], norm).max() <= eps + ROUNDING
    assert mended.success[before].all()
    assert mended.success.sum() >= published.success.sum() - 1


def test_mended_apgdt_targets_all_classes_but_the_label(plane: Case) -> None:
    """Labels are the second class and the budget is small: only the run towards the top class raises its lead."""
    model, x, y = plane
    y = model(x).argsort(dim=1)[:, -2]
    found = run(torchattacks, (model, x, y), spec("APGDT", eps=0.001, steps=10, options={"mended": True}))
    z = model(torch.cat([x, found.images])).detach()
    margin = (z.scatter(1, y.repeat(2)[:, None], -inf).amax(dim=1) - z.gather(1, y.repeat(2)[:, None])[:, 0]).chunk(2)
    assert found.success.all()
    assert (margin[1] > margin[0]).all()


@pytest.mark.parametrize("failing", ["CW", "L2CarliniWagner"])
def test_a_failed_search_gives_the_natural_image_back(plane: Case, failing: str) -> None:
    module = torchattacks if failing == "CW" else foolbox
    found = run(module, plane, spec(failing, eps=inf, norm="l2", steps=1))
    assert not found.success.any()
    assert torch.equal(found.images, plane[1])


def test_foolbox_s_cw_claims_the_black_image_as_success(plane: Case) -> None:
    """Why the wrapper drops it: a black image is often misclassified, and lies anywhere but near."""
    import foolbox as library

    attacker = library.attacks.L2CarliniWagnerAttack(steps=1)
    _, black, claimed = attacker(library.PyTorchModel(plane[0], bounds=(0, 1), device="cpu"), *plane[1:], epsilons=None)
    assert not black.any()
    assert claimed.any()


def test_boundary_attack_without_a_start_gives_the_natural_image_back(plane: Case) -> None:
    """Images of a class that all noise belongs to find no start; the others are attacked all the same."""
    x, y = plane[1][:4].clone(), torch.tensor([0, 0, 1, 1])
    x[2:] = 0

    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x.flatten(1).amax(dim=1) - 0.1, 0.1 - x.flatten(1).amax(dim=1)], dim=1)

    model = Noise().eval()
    found = run(foolbox, (model, x, y), spec("BoundaryAttack", eps=inf, norm="l2", steps=5))
    assert found.success.tolist() == [False, False, True, True]
    assert torch.equal(found.images[:2], x[:2])
    none = run(foolbox, (model, x[:2], y[:2]), spec("BoundaryAttack", eps=inf, norm="l2", steps=5))
    assert not none.success.any()


@pytest.mark.parametrize("members", [["apgd-ce"], ["apgd-dlr", "fab"], ["apgd-t", "fab-t", "square"]])
@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.02), ("l2", 0.1)])
def test_custom_autoattack_is_the_library_s(case: Case, members: list[str], norm: str, eps: float) -> None:
    from pyautoattack.autoattack import APGDAttack, APGDAttack_targeted, AutoAttack

    model, x, y = case

    def call(own: int) -> Tensor:
        large = {"linf": "Linf", "l2": "L2"}[norm]
        given: dict[str, Any] = {"eps": eps, "norm": large, "seed": own, "device": "cpu"}
        made = AutoAttack(model, version="custom", attacks=members, **given)
        made.apgd = APGDAttack(model, n_iter=30, n_restarts=1, logger=made.logger, **given)
        made.apgd_targeted = APGDAttack_targeted(model, n_iter=30, n_target_classes=5, logger=made.logger, **given)
        made.fab.n_iter, made.fab.n_restarts, made.fab.n_target_classes, made.square.n_queries = 30, 1, 5, 30
        return made.run_standard_evaluation(x, y)[0]

    options = {"version": "custom", "attacks": members, "n_queries": 30}
    ours = run(autoattack, case, spec(norm=norm, eps=eps, steps=30, options=options))
    assert torch.equal(ours.images, directly(call))
    assert size(ours.images - x, norm).max() <= eps + ROUNDING
    assert torch.equal(ours.images[wrong(case)], x[wrong(case)])
    assert wrong(case).sum() < ours.success.sum() < COUNT


@pytest.mark.parametrize("version", ["standard", "rand"])
def test_protocols_of_autoattack_break_a_weak_net_and_say_nothing(
    case: Case, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger=""):
        found = run(autoattack, case, spec(eps=0.3, options={"version": version}))
    assert found.success.all()
    assert not [record for record in caplog.records if "classes" in record.getMessage()]
    assert all(record.levelno >= logging.WARNING for record in caplog.records)
    assert found.backwards == pytest.approx(101 * (20 if version == "rand" else 1) * (1 - wrong(case).float().mean().item()))


def test_the_library_itself_fails_on_fewer_than_ten_classes(case: Case) -> None:
    from pyautoattack import AutoAttack

    with pytest.raises(IndexError):
        AutoAttack(case[0], eps=1e-4, version="custom", attacks=["apgd-t"], seed=0).run_standard_evaluation(*case[1:])


def test_autoattack_puts_the_tracing_function_back(case: Case) -> None:
    before = sys.gettrace()
    trace = lambda *_: None  # noqa: E731
    sys.settrace(trace)
    try:
        run(autoattack, case, spec(eps=0.3, steps=2, options={"version": "custom", "attacks": ["apgd-ce"]}))
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_noise_has_the_deviation_eps_and_is_clipped() -> None:
    x = torch.full((32, 1, 8, 8), 0.5)
    found = noise.attack(lambda x: x.flatten(1)[:, :2], x, torch.zeros(32).long(), spec=spec(eps=0.05), generator=generator(5))
    assert torch.equal(found.images, x + 0.05 * torch.randn(x.shape, generator=generator(5)))
    assert (found.images - x).std().item() == pytest.approx(0.05, rel=0.05)
    assert torch.equal(found.success, found.images.flatten(1)[:, 1] > found.images.flatten(1)[:, 0])
    assert (found.forwards, found.backwards) == (1, 0)
    strong = noise.attack(lambda x: x.flatten(1), x, torch.zeros(32).long(), spec=spec(eps=9.0), generator=generator(5))
    assert set(torch.unique(strong.images).tolist()) >= {0.0, 1.0}
    assert strong.images.aminmax() == (0, 1)


EVERY = [
    *((torchattacks, spec(name, **{**changes, "eps": 0.1})) for name, (changes, _) in TORCH.items()),
    *((torchattacks, spec(name, eps=inf, norm="l2")) for name in ("CW", "DeepFool")),
    *((torchattacks, spec(name, options={"mended": True})) for name in ("APGD", "APGDT", "Square")),
    *((foolbox, spec(name, **changes, eps=inf if name in MINIMUM else 0.1)) for name, (_, changes, _) in FOOLBOX.items()),
    (autoattack, spec(steps=3, options={"version": "custom", "attacks": ["apgd-ce", "fab", "square"], "n_queries": 5})),
    (noise, spec()),
]
RANDOM = {"PGD", "PGDL2", "EOTPGD", "APGD", "APGDT", "Square", "LinfPGD", "L2PGD", "BoundaryAttack", None}


@pytest.mark.parametrize(
    ("module", "given"), EVERY, ids=[f"{m.__name__.split('.')[-1]}-{'-'.join(map(str, s.options.values()))}" for m, s in EVERY]
)
def test_each_wrapper_depends_on_its_generator_and_leaves_no_trace(case: Case, module: ModuleType, given: Spec) -> None:
    model, x, y = case
    dropout = nn.Dropout(0.0)
    module_classifier = nn.Sequential(model, dropout).eval()
    dropout.train()
    torch.manual_seed(1)
    states, image = (torch.get_rng_state(), numpy_state()), x.clone()
    first = run(module, (module_classifier, x, y), given)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(numpy_state(), states[1])
    assert torch.equal(x, image)
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert dropout.training
    assert not model.training
    torch.manual_seed(2)
    assert torch.equal(run(module, (module_classifier, x, y), given).images, first.images)
    if given.options.get("name") in RANDOM:
        assert not torch.equal(run(module, (module_classifier, x, y), given, seed=4).images, first.images)


@pytest.mark.parametrize(
    ("module", "given", "forwards", "backwards"),
    [
        (torchattacks, spec("FGSM", steps=1), 1, 1),
        (torchattacks, spec("PGD"), 4, 4),
        (torchattacks, spec("EOTPGD", eot=3), 12, 12),
        (torchattacks, spec("APGD", eot=3, options={"mended": True}), 16, 15),
        (torchattacks, spec("DeepFool", eps=inf, norm="l2", steps=1), 1, CLASSES),
        (foolbox, spec("LinfPGD", restarts=2), 10, 8),
        (foolbox, spec("DDN", eps=inf, norm="l2"), 5, 4),
    ],
)
def test_counts_are_passes_per_image(plane: Case, module: ModuleType, given: Spec, forwards: int, backwards: int) -> None:
    found = run(module, plane, given)
    assert (found.forwards, found.backwards) == (forwards + 1, backwards)  # one more forward gives the verdict


SMALL, UNBOUNDED = "has no budget; write eps: \\[unbounded\\]", "needs a budget; write a finite eps"
REFUSED: list[tuple[ModuleType, Spec, str]] = [
    *((torchattacks, spec(name, norm="l2"), SMALL) for name in ("CW", "DeepFool")),
    *((foolbox, spec(name, norm="l2"), SMALL) for name in MINIMUM),
    *((torchattacks, spec(name, eps=inf), UNBOUNDED) for name in TORCH),
    *((foolbox, spec(name, eps=inf), UNBOUNDED) for name in FOOLBOX if name not in MINIMUM),
    *((module, spec(eps=inf), UNBOUNDED) for module in (autoattack, noise)),
    *((module, spec(weight=1.0), "use kind pgd for those") for module in (torchattacks, foolbox, autoattack, noise)),
    *((module, spec(target="least_likely"), "use kind pgd") for module in (torchattacks, foolbox, autoattack, noise)),
    (torchattacks, spec("AutoAttack"), "10 iterations instead of 100; use kind autoattack"),
    (torchattacks, spec("TIFGSM"), "is not wrapped; options.name may be FGSM, PGD"),
    (foolbox, spec("EADAttack"), "is not wrapped; options.name may be LinfPGD"),
    (torchattacks, spec("PGD", norm="l2"), "an attack in linf, not in l2; write norm: linf"),
    (torchattacks, spec("CW", eps=inf), "an attack in l2, not in linf; write norm: l2"),
    (torchattacks, spec("FGSM"), "takes one step, not 4; write steps: \\[1\\]"),
    (torchattacks, spec("PGD", restarts=2), "has no restarts; write restarts: 1"),
    (foolbox, spec("DDN", eps=inf, norm="l2", restarts=2), "has no restarts"),
    (torchattacks, spec("PGD", eot=2), "does not average gradients; write eot: 1"),
    (foolbox, spec("LinfPGD", eot=2), "does not average gradients"),
    (torchattacks, spec("PGD", options={"mended": True}), "mended belongs to APGD, APGDT, Square, not to PGD"),
    (torchattacks, spec("PGD", options={"alpa": 1}), "PGD takes no option 'alpa'; beside name it takes none"),
    (torchattacks, spec("CW", eps=inf, norm="l2", options={"steps": 9}), "no option 'steps'; beside name it takes c, kappa, lr"),
    (foolbox, spec("DDN", eps=inf, norm="l2", options={"c": 1}), "it takes init_epsilon, gamma"),
    (autoattack, spec(options={"version": "fast"}), "has no version 'fast'; options.version may be standard"),
    (autoattack, spec(options={"name": "standard"}), "takes no option 'name'"),
    (autoattack, spec(options={"attacks": ["square"]}), "fixed protocol; attacks, n_queries, restarts and eot are for version"),
    (autoattack, spec(restarts=2), "is a fixed protocol"),
    (autoattack, spec(eot=5, options={"version": "rand"}), "is a fixed protocol"),
    (autoattack, spec(options={"version": "custom"}), "needs options.attacks, a list of apgd-ce"),
    (autoattack, spec(options={"version": "custom", "attacks": ["pgd"]}), "needs options.attacks"),
]


@pytest.mark.parametrize(("module", "given", "sentence"), REFUSED)
def test_what_cannot_be_meant_is_refused(case: Case, module: ModuleType, given: Spec, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        run(module, case, given)


@pytest.mark.parametrize(
    ("module", "given", "classes", "sentence"),
    [
        (torchattacks, spec("APGDT"), 3, "APGDT on the DLR loss needs at least 4 classes, the classifier has 3"),
        (torchattacks, spec("APGD", options={"loss": "dlr"}), 2, "needs at least 3 classes, the classifier has 2"),
        (autoattack, spec(), 3, "apgd-t needs at least 4 classes, the classifier has 3; choose others in version custom"),
        (autoattack, spec(options={"version": "rand"}), 2, "apgd-dlr needs at least 3 classes"),
    ],
)
def test_too_few_classes_are_refused(plane: Case, module: ModuleType, given: Spec, classes: int, sentence: str) -> None:
    few = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    with pytest.raises(Refused, match=sentence):
        run(module, (few, plane[1], plane[2] % classes), given)


@pytest.mark.parametrize("module", [torchattacks, foolbox, autoattack, noise])
def test_images_outside_the_cube_are_refused(case: Case, module: ModuleType) -> None:
    with pytest.raises(Refused, match="normalisation is the net's first layer"):
        run(module, (case[0], 2 * case[1], case[2]), spec())
